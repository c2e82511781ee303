"""What the codes of VEX mean, in sentences: why a statement counts, or which check failed. Knows words only."""

from typing import Final

MEANINGS: Final = {
    "counts": "It applies and counts.",
    "replaced": "Its issuer has said something newer that is no broader.",
    "document_replaced": "Its issuer has published a newer version of the document.",
    "unverified": "No trusted signature covers it, and the trust table lets unverified claims close nothing.",
    "too_light": "It applies, but weighs less than the trust table demands.",
    "document_of_another_image": "The document was submitted for another image only.",
    "image_other_digest": "The product is an image of another digest.",
    "image_other_repository": "The product is an image of another repository.",
    "image_other_tag": "The product is this repository, at another tag.",
    "image_other_platform": "The product is this image, for another platform.",
    "package_other": "No product or subcomponent is this package.",
    "package_other_version": "The product is this package in another version.",
    "package_outside_range": "The package's version lies outside the product's range.",
    "package_range_unknown": "The range of versions cannot be ordered, so it applies to nothing.",
    "package_other_qualifier": "A qualifier of the product (architecture, distribution, …) is not the package's.",
    "package_without_purl": "The package has no package URL, so nothing can be joined to it.",
    "component_not_a_purl": "The subcomponent is no package URL.",
    "product_not_inside": "The product is a package that is not inside this image.",
    "product_missing": "The statement names no product, and no signature covers this image.",
    "product_not_understood": "The product is neither an image, a package URL nor a hash.",
    "only_cpe": "The product is known by a CPE only, which names no image; nothing else joins it.",
    "bom_link_unknown": "The product is a link into an SBOM that was not submitted for this image.",
}


def meaning(code: str) -> str:
    """Give the sentence of a code; a reason for applying that has none of its own says so."""
    return MEANINGS.get(code, "It applies.")
