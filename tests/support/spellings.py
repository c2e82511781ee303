"""One SBOM in every spelling: an SPDX 2 document (JSON) written anew by other tools, or by us where none writes it."""

import json
import re
import tempfile
from pathlib import Path

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"


def plain(data):
    """Give an SPDX 2 document as spdx-tools takes it: whole seconds, every file with a checksum."""
    document = json.loads(data)
    created = document["creationInfo"]["created"]
    document["creationInfo"]["created"] = re.sub(r"\.\d+Z", "Z", created)
    for file in document.get("files", []):
        file.setdefault("checksums", [{"algorithm": "SHA1", "checksumValue": "0" * 40}])
    return document


def written(document, suffix):
    """Let spdx-tools write a document as ``.spdx`` or ``.spdx.rdf.xml``."""
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.writer.write_anything import write_file

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.spdx.json", Path(folder) / f"out{suffix}"
        source.write_text(json.dumps(document))
        write_file(parse_file(str(source)), str(target), validate=False)
        return target.read_bytes()


def spdx3(document):
    """Write what we read of an SPDX 2 document as SPDX 3.0.1."""
    space = document["documentNamespace"]
    tools = [each[6:] for each in document["creationInfo"]["creators"] if each.startswith("Tool: ")]

    def name(local):
        return f"{space}#{local}"

    def element(kind, local, **fields):
        return {"type": kind, "spdxId": name(local), "creationInfo": "_:made", **fields}

    def relation(number, start, kind, *to):
        return element("Relationship", f"r{number}", **{"from": start, "relationshipType": kind, "to": list(to)})

    elements = [
        {"type": "CreationInfo", "@id": "_:made", "specVersion": "3.0.1", "createdBy": [name("maker")],
         "created": document["creationInfo"]["created"], "createdUsing": [name(f"t{at}") for at in range(len(tools))]},
        element("Person", "maker"),
        *(element("Tool", f"t{at}", name=tool) for at, tool in enumerate(tools)),
    ]  # fmt: skip
    licenses, described = {}, set(document.get("documentDescribes", []))
    relations = []
    for each in document["packages"]:
        fields = {"name": each["name"]}
        refs = [ref["referenceLocator"] for ref in each.get("externalRefs", []) if ref["referenceType"] == "purl"]
        if refs:
            identifier = {"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": refs[0]}
            fields["externalIdentifier"] = [identifier]
        if each.get("versionInfo", "NOASSERTION") != "NOASSERTION":
            fields["software_packageVersion"] = each["versionInfo"]
        if each.get("sourceInfo"):
            fields["software_sourceInfo"] = each["sourceInfo"]
        if each.get("primaryPackagePurpose"):
            words = each["primaryPackagePurpose"].lower().replace("_", "-").split("-")
            fields["software_primaryPurpose"] = words[0] + "".join(map(str.title, words[1:]))
        if each.get("checksums"):
            fields["verifiedUsing"] = [
                {
                    "type": "Hash",
                    "algorithm": one["algorithm"].lower().replace("-", ""),
                    "hashValue": one["checksumValue"],
                }
                for one in each["checksums"]
            ]
        elements.append(element("software_Package", each["SPDXID"], **fields))
        for key, kind in (("licenseConcluded", "hasConcludedLicense"), ("licenseDeclared", "hasDeclaredLicense")):
            said = each.get(key, "NOASSERTION")
            if said not in {"NOASSERTION", "NONE", ""}:
                licenses.setdefault(said, f"l{len(licenses)}")
                relations.append((name(each["SPDXID"]), kind, name(licenses[said])))
    for each in document["relationships"]:
        start, kind, to = each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"]
        if kind in {"CONTAINED_BY", "DEPENDENCY_OF", "DESCRIBED_BY"}:
            start, to = to, start
            kind = {"CONTAINED_BY": "CONTAINS", "DEPENDENCY_OF": "DEPENDS_ON", "DESCRIBED_BY": "DESCRIBES"}[kind]
        if kind == "DESCRIBES" and start == document["SPDXID"]:
            described.add(to)
        elif kind in {"CONTAINS", "DEPENDS_ON"}:
            relations.append((name(start), "contains" if kind == "CONTAINS" else "dependsOn", name(to)))
    elements += [
        element("simplelicensing_LicenseExpression", local, simplelicensing_licenseExpression=said)
        for said, local in licenses.items()
    ]
    elements += [relation(at, *each) for at, each in enumerate(relations)]
    elements.append(
        element("software_Sbom", "sbom", rootElement=[name(each) for each in sorted(described)] or [name("maker")])
    )
    elements.append(element("SpdxDocument", "document", rootElement=[name("sbom")]))
    return json.dumps({"@context": CONTEXT, "@graph": elements}).encode()


def many(form, count):
    """Write an SBOM of so many components, about 1 KB each, as a stream of text."""
    heads, one, tail = _MANY[form]
    return "".join([heads, *(one % {"n": at, "sep": "," if at else ""} for at in range(count)), tail]).encode()


_PROSE = "A library that does one thing, and says so in a description of a length that real packages have. " * 6
_SHA = "a" * 64
_MANY = {
    "cyclonedx-xml": (
        '<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components>',
        f'<component type="library" bom-ref="c%(n)d"><name>lib%(n)d</name><version>1.0.%(n)d</version><description>{_PROSE}'
        f'</description><hashes><hash alg="SHA-256">{_SHA}</hash></hashes><licenses><license><id>MIT</id></license></licenses>'
        "<purl>pkg:npm/lib%(n)d@1.0.%(n)d</purl><properties>"
        + "".join(f'<property name="tool:p{at}">value of %(n)d</property>' for at in range(4))
        + "</properties></component>",
        "</components></bom>",
    ),
    "spdx-json": (
        ('{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","dataLicense":"CC0-1.0","documentNamespace":'
        '"https://x.example/1","creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: t"]},"packages":['),
        ('%(sep)s{"SPDXID":"SPDXRef-%(n)d","name":"lib%(n)d","versionInfo":"1.0.%(n)d","downloadLocation":"NONE",'
        f'"description":"{_PROSE}","licenseDeclared":"MIT","checksums":[{{"algorithm":"SHA256","checksumValue":"{_SHA}"}}],'
        '"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/lib%(n)d@1.0.%(n)d"}]}'),
        "]}",
    ),
    "spdx-tag-value": (
        ("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\n"
        "DocumentNamespace: https://x.example/1\nCreator: Tool: t\nCreated: 2024-01-01T00:00:00Z\n"),
        ("PackageName: lib%(n)d\nSPDXID: SPDXRef-%(n)d\nPackageVersion: 1.0.%(n)d\nPackageDownloadLocation: NONE\n"
        f"PackageDescription: <text>{_PROSE}</text>\nPackageLicenseDeclared: MIT\nPackageChecksum: SHA256: {_SHA}\n"
        "ExternalRef: PACKAGE-MANAGER purl pkg:npm/lib%(n)d@1.0.%(n)d\n"
        "Relationship: SPDXRef-DOCUMENT CONTAINS SPDXRef-%(n)d\n"),
        "",
    ),
    "spdx-rdf": (
        ('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:spdx="http://spdx.org/rdf/terms#">'
        '<spdx:SpdxDocument rdf:about="https://x.example/1#SPDXRef-DOCUMENT"><spdx:specVersion>SPDX-2.3</spdx:specVersion>'
        '<spdx:name>x</spdx:name><spdx:dataLicense rdf:resource="http://spdx.org/licenses/CC0-1.0"/><spdx:creationInfo>'
        "<spdx:CreationInfo><spdx:creator>Tool: t</spdx:creator><spdx:created>2024-01-01T00:00:00Z</spdx:created>"
        "</spdx:CreationInfo></spdx:creationInfo></spdx:SpdxDocument>"),
        ('<spdx:Package rdf:about="https://x.example/1#SPDXRef-%(n)d"><spdx:name>lib%(n)d</spdx:name>'
        f"<spdx:versionInfo>1.0.%(n)d</spdx:versionInfo><spdx:description>{_PROSE}</spdx:description>"
        "<spdx:downloadLocation>NONE</spdx:downloadLocation>"
        '<spdx:licenseDeclared rdf:resource="http://spdx.org/licenses/MIT"/><spdx:checksum><spdx:Checksum>'
        '<spdx:algorithm rdf:resource="http://spdx.org/rdf/terms#checksumAlgorithm_sha256"/>'
        f"<spdx:checksumValue>{_SHA}</spdx:checksumValue></spdx:Checksum></spdx:checksum><spdx:externalRef>"
        '<spdx:ExternalRef><spdx:referenceCategory rdf:resource="http://spdx.org/rdf/terms#referenceCategory_packageManager"/>'
        '<spdx:referenceType rdf:resource="http://spdx.org/rdf/references/purl"/>'
        "<spdx:referenceLocator>pkg:npm/lib%(n)d@1.0.%(n)d</spdx:referenceLocator></spdx:ExternalRef></spdx:externalRef>"
        "</spdx:Package>"),
        "</rdf:RDF>",
    ),
    "spdx3-json": (
        (f'{{"@context":"{CONTEXT}","@graph":[{{"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":'
        '"2024-01-01T00:00:00Z","createdBy":["urn:p"]},{"type":"Person","spdxId":"urn:p","creationInfo":"_:c"}'),
        (',{"type":"software_Package","spdxId":"urn:x:%(n)d","creationInfo":"_:c","name":"lib%(n)d",'
        f'"software_packageVersion":"1.0.%(n)d","description":"{_PROSE}","verifiedUsing":[{{"type":"Hash",'
        f'"algorithm":"sha256","hashValue":"{_SHA}"}}],"software_packageUrl":"pkg:npm/lib%(n)d@1.0.%(n)d"}}'
        ',{"type":"Relationship","spdxId":"urn:r:%(n)d","creationInfo":"_:c","from":"urn:p","relationshipType":"contains",'
        '"to":["urn:x:%(n)d"]}'),
        "]}",
    ),
}  # fmt: skip
