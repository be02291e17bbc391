"""Templates of --format: what Go's text/template makes of them, errors that name the column, and bounds.

The outputs are those of the stock docker command, 28.5.2, for `docker inspect -f` and `docker ps --format`;
test_formats.py asks it.
"""

import time

import pytest

from labcore.cli.inspection import typed
from labcore.cli.template import Row, Struct, TemplateError, parse
from labcore.cli.template.values import json_text, printed_float

WEB = typed(
    {
        "Id": "d9f7bfbfeb83",
        "Name": "/web",
        "Size": 12,
        "State": {"Status": "running", "Running": True, "ExitCode": 0},
        "Config": {"Env": ["X=y", "A=b"], "Labels": {"b": "2", "a": "1"}, "Cmd": ["sleep", "9"], "Entrypoint": None},
        "HostConfig": {"Binds": None, "Init": None, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
        "NetworkSettings": {
            "Networks": {"bridge": {"IPAddress": "172.17.0.2"}},
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/udp": None},
        },
        "Mounts": [{"Type": "bind", "Source": "/src", "Destination": "/d", "Mode": "", "RW": True, "Propagation": "rprivate"}],
    },
    "container",
)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("plain", "plain"),
        ("{{.Name}}", "/web"),
        ("{{ .State.Status }} {{.State.Running}}", "running true"),
        ("{{.Id}} is {{.ID}}", "d9f7bfbfeb83 is d9f7bfbfeb83"),
        ("{{.Config.Env}}", "[X=y A=b]"),
        ("{{.Config.Labels}}", "map[a:1 b:2]"),
        ('{{.Config.Labels.a}}|{{.Config.Labels.nope}}|{{index .Config.Labels "nope"}}|', "1|<no value>||"),
        ("{{.HostConfig.Binds}} {{.HostConfig.Init}} {{.State.Health}} {{.Config.Entrypoint}}", "[] <nil> <nil> []"),
        ("{{.HostConfig.RestartPolicy}}", "{no 0}"),
        ("{{.State}}", "{running true 0 <nil>}"),
        ("{{.Mounts}}", "[{bind  /src /d   true rprivate}]"),
        ("{{.NetworkSettings.Networks.bridge.IPAddress}}", "172.17.0.2"),
        ("{{.NetworkSettings.Networks.nope.IPAddress}}", "<no value>"),
        ("{{.NetworkSettings.Ports}}", "map[80/tcp:[{0.0.0.0 8080}] 90/udp:[]]"),
        ('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"),
        ("{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{range $b}}{{.HostIP}}:{{.HostPort}}{{end}};{{end}}",
         "80/tcp 0.0.0.0:8080;90/udp ;"),
        ("{{json .State}}", '{"Status":"running","Running":true,"ExitCode":0}'),
        ("{{json .Config.Cmd}} {{json .HostConfig.Binds}} {{json .State.Health}}", '["sleep","9"] null null'),
        ("{{.Config.Labels | json}}", '{"a":"1","b":"2"}'),
        ("{{range .Config.Env}}{{println .}}{{end}}", "X=y\nA=b\n"),
        ("{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "X=y, A=b"),
        ("{{range .Config.Entrypoint}}x{{else}}none{{end}}", "none"),
        ('{{range .Config.Env}}{{if eq . "A=b"}}{{break}}{{end}}{{.}}{{end}}', "X=y"),
        ('{{range .Config.Env}}{{if eq . "X=y"}}{{continue}}{{end}}{{.}}{{end}}', "A=b"),
        ("{{range .State}}{{.}} {{end}}", "0 true running "),
        ("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}", "01201"),
        ("{{if .State.Health}}x{{else if .State.Running}}up{{else}}down{{end}}", "up"),
        ("{{with .State.Health}}{{.Status}}{{else}}none{{end}}{{with .Name}}{{.}}{{end}}", "none/web"),
        ("{{with $x := .Name}}{{$x}}{{$.Size}}{{end}}", "/web12"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{and 1 0}} {{or 0 `x`}} {{not 1}} {{and .State.Health .State.Health.Status}}", "0 x false <nil>"),
        ('{{eq .Size 12}} {{eq .Name "x" "/web"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge "b" "a"}}',
         "true true true true true false true"),
        ("{{eq .State.Health nil}} {{eq nil nil}}", "true true"),
        ("{{len .Config.Env}} {{len .Name}} {{len `é`}}", "2 4 2"),
        ("{{index .Config.Env 1}} {{index .Name 0}} {{slice .Name 1 3}} {{slice .Name 2}} {{slice .Config.Env 0 1}}",
         "A=b 47 we eb [X=y]"),
        ('{{print 1 2 "a" "b" 3}} {{print .Config.Env .Config.Cmd 1}}', "1 2ab3 [X=y A=b] [sleep 9] 1"),
        ('{{printf "%5s|%-5s|%q|%v|%03d|%x" "a" "b" "c\\n" .Config.Cmd 7 255}}', '    a|b    |"c\\n"|[sleep 9]|007|ff'),
        ('{{printf "%.2f %e %g %t %c %U %T %%" 3.14159 1.5 1e21 true 65 65 "a"}}',
         "3.14 1.500000e+00 1e+21 true A U+0041 string %"),
        ('{{printf "%d" "a"}} {{printf "%d"}} {{printf "a" 1}} {{printf "%!"}}',
         "%!d(string=a) %!d(MISSING) a%!(EXTRA int=1) %!!(MISSING)"),
        ('{{printf "%v %s %q" .Config.Cmd .Config.Cmd .Config.Cmd}}', '[sleep 9] [sleep 9] ["sleep" "9"]'),
        ('{{.Name | printf "%s-%s" "a"}}', "a-/web"),
        ('{{join .Config.Env ","}} {{split "a,b" ","}} {{title "abc def"}} {{upper "x"}} {{lower "X"}}',
         "X=y,A=b [a b] Abc Def X x"),
        ('{{pad "a" 2 3}}|{{pad "" 2 3}}|{{truncate "abcdef" 4}}|{{truncate "ab" 4}}', "  a   ||abcd|ab"),
        ("{{1.5}} {{0x10}} {{017}} {{1e3}} {{'a'}} {{-3}} {{1_000}}", "1.5 16 15 1000 97 -3 1000"),
        ("{{true}} {{`raw \\n`}} {{\"\\t\\u00e9\\x41\"}}", "true raw \\n \té" + "A"),
        ("{{/* nothing */}}x {{- /* and */ -}} y {{- `z` -}} \n !", "xyz!"),
        ("a{{ `}}` }}b", "a}}b"),
        ("{{print nil}} {{(.Size)}} {{(print .Size) | len}}", "<nil> 12 2"),
    ],
)  # fmt: skip
def test_templates(template: str, output: str) -> None:
    assert parse(template).render(WEB) == output


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{.Foo}}", "column 3: .Foo: there is no field Foo\n  cure: there are Config,"),
        (
            "{{.State.status}}",
            "column 9: .State.status: there is no field status\n  cure: did you mean Status? there are ExitCode",
        ),
        ("one\n{{.Stat}}", "line 2, column 3: .Stat: there is no field Stat\n  cure: did you mean State?"),
        ("{{.Name.Foo}}", "column 8: .Name.Foo: string has no field Foo"),
        ("{{.State.Health.Status}}", "nil has no field Status"),
        ("{{.Name", "column 1: the action is not closed"),
        ("{{ 'ab' }}", "column 4: single quotes hold one character"),
        ('{{ "a', "column 4: the string is not closed"),
        ("{{ `a", "column 4: the raw string is not closed"),
        ("{{/* a }}", "column 3: the comment is not closed"),
        ("{{/* a */ .Name}}", "a comment has its braces for itself"),
        ("{{if}}", "column 5: a value is missing"),
        ("{{if 1}}", "column 3: {{if …}} has no end"),
        ("{{end}}", "column 3: {{end}} ends nothing"),
        ("{{else}}", "{{else}} ends nothing"),
        ("{{if 1}}{{else}}{{else}}{{end}}", "here is an else already"),
        ("{{break}}", "break stands in no range"),
        ("{{.Name | fooo}}", "column 11: there is no function fooo"),
        ("{{uper .Name}}", "did you mean upper?"),
        ("{{html .Name}}", "the function html is not here"),
        ("{{js .Name}}", "the function js is not here"),
        ("{{urlquery .Name}}", "the function urlquery is not here"),
        ("{{call .Name}}", "the function call is not here"),
        ('{{template "x"}}', "template is not here"),
        ('{{define "x"}}{{end}}', "define is not here"),
        ("{{$x}}", "there is no variable $x"),
        ("{{if 1}}{{$x := 1}}{{end}}{{$x}}", "column 29: there is no variable $x"),
        ("{{$x, $y := 1}}", "two variables are a range's"),
        ("{{nil}}", "nil alone has no value"),
        ("{{(.Name}}", "column 3: the parenthesis is not closed"),
        ("{{.Name)}}", "column 8: ) cannot stand here"),
        ("{{.Name |}}", "a value is missing"),
        ("{{}}", "column 3: a value is missing"),
        ("{{1 2}}", "only a function or a method takes arguments"),
        ("{{.Name 1}}", ".Name takes no argument"),
        ("{{08}}", "08 is no number"),
        ("{{99999999999999999999}}", "is no number"),
        ("{{.Name ; }}", "column 9: ';' is nothing that an action may have"),
        ("{{not}}", "not takes 1 argument, not 0"),
        ("{{eq 1}}", "eq: a second value to compare is missing"),
        ("{{eq 1 1.5}}", "eq: incompatible types for comparison: int and float64"),
        ("{{lt .Config.Env 1}}", "lt: list cannot be compared so"),
        ("{{index .Config.Env 9}}", "column 3: index: index out of range: 9"),
        ("{{index .Config.Labels 3}}", "index: a string is wanted, not int 3"),
        ("{{slice .Name 3 1}}", "slice: bounds out of range: 3:1 of 4"),
        ("{{len 3}}", "len: int has no length"),
        ("{{range .Name}}{{end}}", "range cannot go through string /web"),
        ("{{join .Name `,`}}", "join: a list is wanted, not string"),
    ],
)
def test_errors_name_the_column_and_the_cure(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as error:
        parse(template).render(WEB)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{range 99999999}}x{{end}}",
        "{{range 99999999999}}{{continue}}{{end}}",
        "{{range 99999}}{{range 99999}}{{end}}{{end}}",
        '{{$x := "0123456789"}}{{range 100}}{{$x = print $x $x}}{{end}}',
        '{{range 9999}}{{printf "%9999s" "a"}}{{end}}',
        '{{$x := pad "a" 9999999 1}}{{range 99999}}{{len $x}}{{end}}',
        '{{range 99999}}{{$x := split (pad "a" 9999999 0) " "}}{{end}}',
        '{{pad "a" 99999999999 1}}',
        '{{printf "%999999999d" 1}}',
        '{{printf "%.999999999f" 1.5}}',
        "{{" + "(" * 100 + "1" + ")" * 100 + "}}",
        "{{if 1}}" * 100 + "{{end}}" * 100,
        "{{if 1}}" + "{{else if 1}}" * 5000 + "{{end}}",
        "{{.s" + ".s" * 9999 + "}}",
        "x" * (1 << 17),
    ],
)
def test_hostile_templates_end_soon(template: str) -> None:
    begun = time.process_time()
    with pytest.raises(TemplateError):
        parse(template).render(Struct(s={}))
    assert time.process_time() - begun < 5


def test_a_rows_json_is_by_name_and_safe_in_html() -> None:
    row = Row({"Ports": lambda: "80->80", "ID": lambda: "1", "Label": lambda name: name, "Platform": lambda: None})
    assert parse("{{json .}}").render(row) == '{"ID":"1","Platform":null,"Ports":"80-\\u003e80"}'
    assert parse("{{json .Ports}} {{.Label `x`}} {{.Platform}}").render(row) == '"80->80" x <nil>'


def test_heads_stay_as_they_are() -> None:
    heads = Row({"ID": lambda: "CONTAINER ID", "Label": lambda name: name.upper()})
    template = parse('{{lower .ID}}\t{{truncate .ID 3}}\t{{.Label "a"}}\t{{pad .ID 1 0}}\t{{join (split .ID " ") "-"}}')
    assert template.heads(heads) == "CONTAINER ID\tCONTAINER ID\tA\t CONTAINER ID\tCONTAINER ID"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (-0.0, "-0"), (3.0, "3"), (1.5, "1.5"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1e-5, "1e-05"),
        (0.0001, "0.0001"), (123456.789, "123456.789"), (1.25e-7, "1.25e-07"), (-2.5e22, "-2.5e+22"), (float("inf"), "+Inf"),
    ],
)  # fmt: skip
def test_floating_point_as_go_prints_it(number: float, text: str) -> None:
    assert printed_float(number) == text


def test_json_is_gos() -> None:
    assert json_text({"b": [1, 1.5, None, True], "a": 'é<\u2028\x01"'}) == '{"a":"é<\\u2028\\u0001\\"","b":[1,1.5,null,true]}'
