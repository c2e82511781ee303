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
