import pytest

from targets.compose import dotenv, forms, template, yaml12
from targets.compose.interpolate import Variables, escape, literal
from targets.compose.problems import ComposeInvalid, YamlInvalid, YamlTooLarge
from targets.compose.secrets import literal_secret, secret_like


def read(**files):
    named = {
        name.replace("__", "/").replace("_yaml", ".yaml").replace("_env", ".env"): text.encode()
        for name, text in files.items()
    }
    return template.read(named, named.__getitem__)


def project(**files):
    return read(**files).project


def codes(**files):
    with pytest.raises(ComposeInvalid) as problem:
        read(**files)
    return {fault.code for fault in problem.value.fields["faults"]}


def test_env_files_are_inlined_and_environment_wins():
    found = project(
        compose_yaml="services: {a: {image: i, env_file: [one.env, two.env], environment: [B=own, N=1]}}",
        one_env="A=1\nB=1\nC='$x'\n",
        two_env='A=2\nD="${A}-d" # remark\n',
    )
    assert found["services"]["a"]["environment"] == {"A": "2", "B": "own", "C": "$$x", "D": "2-d", "N": "1"}


def test_extends_merges_maps_appends_lists_and_replaces_commands():
    found = project(
        compose_yaml="services: {a: {extends: {file: base/b.yaml, service: b}, command: [own], environment: {X: '1'}}}",
        base__b_yaml="services: {b: {image: i, command: [base], cap_drop: [ALL], environment: {Y: '2'}, volumes: ['./d:/d']}}",
    )
    assert found["services"]["a"] == {
        "image": "i",
        "command": ["own"],
        "cap_drop": ["ALL"],
        "environment": {"Y": "2", "X": "1"},
        "volumes": ["./base/d:/d"],
    }


def test_a_service_that_extends_itself_is_refused():
    assert codes(compose_yaml="services: {a: {image: i, extends: b}, b: {image: i, extends: a}}") == {
        "compose.extends_cycle"
    }
    assert codes(compose_yaml="services: {a: {image: i, extends: nobody}}") == {"compose.extends_missing"}


def test_included_projects_bring_their_own_folder_and_defaults():
    found = project(
        compose_yaml="include: [sub/compose.yaml]\nservices: {a: {image: i}}",
        sub__compose_yaml="services: {b: {image: 'x:${TAG}', volumes: ['./f:/f']}}\nvolumes: {v: {}}",
        sub___env="TAG=7",
    )
    assert found["services"]["b"] == {"image": "x:7", "volumes": ["./sub/f:/f"]}
    assert found["volumes"] == {"v": {}}


def test_two_different_definitions_of_one_service_conflict():
    assert codes(
        compose_yaml="include: [sub/compose.yaml]\nservices: {a: {image: i}}",
        sub__compose_yaml="services: {a: {image: j}}",
    ) == {"compose.include_conflict"}


def test_an_include_that_includes_itself_ends():
    assert "compose.include_too_deep" in codes(compose_yaml="include: [compose.yaml]\nservices: {a: {image: i}}")


def test_an_override_file_is_merged_by_itself():
    named = {
        "compose.yaml": b"services: {a: {image: i, ports: ['1:1'], volumes: ['vol:/v']}}",
        "compose.override.yaml": b"services: {a: {image: j, ports: ['2:2'], volumes: ['other:/v']}}",
    }
    found = template.read(named, named.__getitem__)
    assert found.files == ("compose.yaml", "compose.override.yaml")
    assert found.project["services"]["a"] == {"image": "j", "ports": ["1:1", "2:2"], "volumes": ["other:/v"]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("services: {a: {image: i, imagee: x}}", "compose.field_unknown"),
        ("servicess: {}\nservices: {a: {image: i}}", "compose.field_unknown"),
        ("services: []", "compose.not_a_mapping"),
        ("- a", "compose.not_a_mapping"),
        ("services: {}", "compose.no_services"),
        ("services: {a: {}}", "compose.image_missing"),
        ("services: {a: {image: 1}}", "compose.image_missing"),
        ("services: {a: {image: 'x${'}}", "compose.interpolation_invalid"),
        ("services: {a: {image: '$'}}", "compose.interpolation_invalid"),
        ("services: {a: {image: '${X}'}}", "compose.image_variable"),
        ("services: {a: {image: i, labels: [stella.digest=x]}}", "compose.label_reserved"),
        ("services: {'a/../b': {image: i}}", "compose.name_invalid"),
        ("services: {a: {image: i, volumes: ['../x:/x']}}", "compose.path_outside"),
        ("services: {a: {image: i, volumes: ['~/x:/x']}}", "compose.path_outside"),
        ("services: {a: {image: i, volumes: [1]}}", "compose.volume_invalid"),
        ("services: {a: {image: i, environment: {A: [1]}}}", "compose.environment_invalid"),
        ("services: {a: {image: i, environment: ['=x']}}", "compose.environment_invalid"),
        ("services: {a: {image: i, env_file: /etc/passwd}}", "compose.path_outside"),
        ("services: {a: {image: i, environment: {DB_PASSWORD: hunter2}}}", "compose.secret_literal"),
        ("services: {a: {image: i, environment: {X: '${DB_PASSWORD:-hunter2}'}}}", "compose.secret_literal"),
        ("services: {a: {image: i, environment: {DB_PASSWORD: '${X:-hunter2}'}}}", "compose.secret_literal"),
        ("services: {a: {image: i, command: 'x postgres://u:pw@db/x'}}", "compose.secret_literal"),
        ("services: {a: {image: i}}\nsecrets: {s: {file: ./s.txt}}", "compose.secret_captured"),
    ],
)
def test_what_a_project_may_not_hold_is_named(text, code):
    assert code in codes(compose_yaml=text)


def test_all_faults_are_told_together():
    found = codes(
        compose_yaml="services: {a: {imagee: x}, b: {image: i, volumes: ['../x:/x'], environment: {API_KEY: k1}}}"
    )
    assert found >= {"compose.field_unknown", "compose.image_missing", "compose.path_outside", "compose.secret_literal"}


def test_a_project_without_a_compose_file_says_so():
    assert codes(other_yaml="x: 1") == {"compose.file_missing"}


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "dbPassword",
        "API_KEY",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "PGPASSWORD",
        "S3_SECRET",
        "JWT_KEY",
    ],
)
def test_names_that_look_like_secrets(name):
    assert secret_like(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE",
        "TOKEN_TTL",
        "PUBLIC_KEY",
        "KEYBOARD",
        "PASSAGE",
        "AUTHOR",
        "COMPASS",
        "LEVEL",
        "AWS_ACCESS_KEY_ID",
    ],
)
def test_names_that_only_speak_about_secrets(name):
    assert not secret_like(name)


def test_references_empty_values_and_switches_are_no_secrets():
    assert not literal_secret("DB_PASSWORD", "${DB_PASSWORD}")
    assert not literal_secret("DB_PASSWORD", "")
    assert not literal_secret("ALLOW_EMPTY_PASSWORD", "yes")
    assert literal_secret("X", "-----BEGIN EC PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("$A-${A}", {"A": "1"}, "1-1"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A-d}", {"A": ""}, ""),
        ("${A-d}", {}, "d"),
        ("${A:-${B:-${C}}}", {"C": "c"}, "c"),
        ("${A:+x}${B+y}", {"A": "1"}, "x"),
        ("$$A", {"A": "1"}, "$$A"),
        ("${A}", {"A": "a$b"}, "a$$b"),
        ("${S}", {}, "${S}"),
        ("${S:?no}", {}, "${S:?}"),
        ("${S:-fallback}", {}, "${S}"),
    ],
)
def test_variables_are_filled_in_as_compose_does(text, values, expected):
    assert Variables(values, frozenset({"S"})).expand(text, "") == expected


def test_escaping_is_undone_by_reading():
    for text in ("a", "$", "$$", "${x}", "a$b"):
        assert literal(escape(text)) == text
    assert literal("${X}") is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x y # c", "x y"),
        ("A='x # y'", "x # y"),
        ('A="x\\ny"', "x\ny"),
        ("export A=1", "1"),
        ("A=", ""),
        ("A=x#y", "x#y"),
        ("A: yes", "yes"),
        ("A='$B'", "$$B"),
        ('A="two\nlines"', "two\nlines"),
        ("A", None),
    ],
)
def test_env_files_are_read_as_compose_reads_them(line, value):
    assert dotenv.read(line.encode(), "x.env", Variables({})) == {"A": value}


def test_an_env_file_that_is_none_is_refused():
    variables = Variables({})
    dotenv.read(b"\xff", "x.env", variables)
    dotenv.read(b"=x\n!\n", "x.env", variables)
    assert [fault.code for fault in variables.faults] == ["compose.env_file_invalid"] * 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (8.0, "8"),
        (None, ""),
        (12, "12"),
    ],
)
def test_numbers_in_an_environment_are_written_as_go_does(value, text):
    assert forms.text_of(value) == text


@pytest.mark.parametrize(
    ("volume", "source"),
    [
        ("data:/d", None),
        ("/d", None),
        ("./a:/b:ro", "./a"),
        ("/a:/b", "/a"),
        ("${X}:/b", "${X}"),
        ("${X:-/a}:/b", "${X:-/a}"),
        ({"type": "volume", "source": "/a"}, None),
        ({"type": "bind", "source": "./a"}, "./a"),
        ("C:\\x:/b", "C:\\x"),
    ],
)
def test_bind_mounts_are_told_from_volumes(volume, source):
    assert forms.bind_source(volume) == source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("YES", "YES"),
        ("on", "on"),
        ("0440", 288),
        ("0o17", 15),
        ("1_000", 1000),
        ("'2001-01-01'", "2001-01-01"),
        ("0x1F", 31),
        ("~", None),
        ("True", True),
        ("1e3", 1000.0),
        ("'5'", "5"),
        ("!!str 5", "5"),
    ],
)
def test_scalars_are_read_as_compose_reads_them(text, value):
    assert yaml12.load(f"a: {text}".encode()) == {"a": value}


@pytest.mark.parametrize(
    "data",
    [
        b"a: &a [*a]", b"a: 1\na: 2", b"1: x", b"--- 1\n--- 2", b"a: !reset x", b"a: .inf", b"a: 2001-01-01", b"a: 2001-1-1 10:00:00", b"\x00", b"\xff",
        b"%YAML 1.1\n--- a", b"a: *b", b"a: 99999999999999999", b"? [a]\n: b", b"a: !!python/object:os.system x",
        b"a: !!binary aGk=", b"\t", b"a: |9999\n x", b"<<: 1", b"%", b"a: 'x",
    ],
)  # fmt: skip
def test_yaml_that_cannot_be_trusted_is_refused(data):
    with pytest.raises(YamlInvalid):
        yaml12.load(data)


def bomb():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(c + 1)}: &{chr(c + 1)} [{','.join(['*' + chr(c)] * 9)}]" for c in range(97, 106)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "data",
    [b"[" * 5000, b"{" * 100000, bomb(), b"a" * (5 << 20), b"- x\n" * 100_001],
    ids=["seq", "map", "bomb", "bytes", "nodes"],
)
def test_yaml_bombs_hit_a_bound(data):
    with pytest.raises((YamlTooLarge, YamlInvalid)):
        yaml12.load(data)
