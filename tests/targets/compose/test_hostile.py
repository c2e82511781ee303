"""Whatever stands in a Compose file: an answer or a Problem, never a traceback, and never out of bounds."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas import jcs
from cas.problems import Problem
from targets.compose import checks, template, yaml12
from targets.compose.interpolate import Variables, literal, parse
from targets.compose.keys import PROJECT_KEYS, SERVICE_KEYS
from targets.render import yaml_text

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.sampled_from(
        [
            "",
            "a",
            "./x",
            "../x",
            "/etc",
            "~",
            "${A}",
            "${A:-b}",
            "${",
            "$",
            "$$",
            "a:b:c",
            ":",
            "::",
            "a=b",
            "=",
            "-1",
            "\0",
            "é",
        ]
    )
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "a",
                    "b",
                    "file",
                    "service",
                    "path",
                    "source",
                    "target",
                    "type",
                    "env_file",
                    "driver_opts",
                    "o",
                    "device",
                    "replicas",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
keys = [*sorted(SERVICE_KEYS - {"image"}), "x-stella", "volumes", "environment", "extends", "env_file", "labels"]
services = st.builds(
    lambda own, image: {**own, "image": image},
    st.dictionaries(st.sampled_from(keys), values, max_size=3),
    st.sampled_from(["i", "reg.example/a:v1"]) | scalars,
)
projects = st.builds(
    lambda named, top: {**top, "services": named},
    st.dictionaries(st.sampled_from(["a", "b", "c"]), services, min_size=1, max_size=2) | values,
    st.dictionaries(st.sampled_from(sorted(PROJECT_KEYS - {"services"})), values, max_size=1),
)
envs = st.sampled_from([b"", b"A=1\n", b"A='$x'\nB=\"${A}\"\n", b"A"]) | st.binary(max_size=20)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(projects, envs)
def test_any_project_gives_an_answer_or_a_problem(project, env):
    try:
        data = {"compose.yaml": "\n".join([*yaml_text.lines(project), ""]).encode(), ".env": env, "x": env}
        found = template.read(data, data.__getitem__)
    except Problem:
        return
    jcs.of_value(found.project)
    checks.project_files(found.project, frozenset(data), ())


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.text("{}[]:,-&*!|>'\"%@`#? \nabc0\t~<", max_size=60).map(str.encode))
def test_any_bytes_as_yaml_give_a_value_or_a_problem(data):
    try:
        value = yaml12.load(data)
    except Problem:
        return
    jcs.of_value(value)


@settings(max_examples=400, deadline=None)
@given(st.text("${}:-?+ABab1_ ", max_size=40))
def test_what_is_expanded_can_be_read_again(text):
    variables = Variables({"A": "x$y", "b": ""}, frozenset({"B"}))
    out = variables.expand(text, "")
    if not variables.faults:
        parse(out)
        assert Variables({}, frozenset({"B"})).expand(out, "") == out or literal(out) is None
