"""Ranges written as vers hold what they say, by the order of their ecosystem; what cannot be ordered has no answer."""

import pytest

from pipeline.versions.vers import constraints, within


@pytest.mark.parametrize(
    ("text", "kind", "version", "expected"),
    [
        ("vers:npm/>=1.0.0|<2.0.0", "npm", "1.5.0", True),
        ("vers:npm/>=1.0.0|<2.0.0", "npm", "2.0.0", False),
        ("vers:npm/>=1.0.0|<2.0.0", "npm", "1.0.0", True),
        ("vers:npm/>=1.0.0|<2.0.0", "npm", "1.10.0", True),
        ("vers:npm/>=1.0.0|<2.0.0", "npm", "0.9.0", False),
        ("vers:npm/<1.2.0", "npm", "1.1.9", True),
        ("vers:npm/>1.2.0", "npm", "1.2.0", False),
        ("vers:npm/>1.2.0", "npm", "1.3.0", True),
        ("vers:npm/1.2.0|1.3.0", "npm", "1.3.0", True),
        ("vers:npm/1.2.0|1.3.0", "npm", "1.2.5", False),
        ("vers:npm/!=1.2.0", "npm", "1.2.0", False),
        ("vers:npm/!=1.2.0", "npm", "1.2.1", True),
        ("vers:npm/>=1.0.0|!=1.5.0|<2.0.0", "npm", "1.5.0", False),
        ("vers:npm/<1.0.0|>=2.0.0|<3.0.0", "npm", "1.5.0", False),
        ("vers:npm/<1.0.0|>=2.0.0|<3.0.0", "npm", "2.5.0", True),
        ("vers:npm/*", "npm", "1.5.0", True),
        ("vers:deb/>=1.2-1|<1.2-10", "deb", "1.2-9", True),
        ("vers:pypi/<2.0", "pypi", "2.0rc1", True),
        ("vers:generic/<2.0.0", "npm", "1.0.0", True),
        ("vers:golang/<v1.2.3", "golang", "v1.2.2", True),
        ("vers:klingon/<2", "klingon", "1", None),
        ("vers:npm/<x", "npm", "1.0.0", None),
        (">=1.0.0", "npm", "1.0.0", None),
        ("vers:npm/>=1.0.0", "npm", "", None),
        ("vers:npm/>=1.0.0%2Bbuild", "npm", "1.0.1", True),
    ],
)
def test_a_range_holds_what_it_says(text, kind, version, expected):
    assert within(text, kind, version) is expected


def test_constraints_are_bounded():
    assert constraints("vers:npm/" + "|".join(f"{n}.0.0" for n in range(1000))) is None
    assert constraints("vers:npm/|") is None
