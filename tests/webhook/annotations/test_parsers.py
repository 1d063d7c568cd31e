"""Text to typed values."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.contract.plan import Action
from webhook.annotations import endpoints, parsers, trust

if TYPE_CHECKING:
    from collections.abc import Callable

PEM = (
    "-----BEGIN CERTIFICATE-----\n"
    + base64.encodebytes(b"\x30\x82" + b"x" * 60).decode()
    + "-----END CERTIFICATE-----\n"
)
ALL = [
    parsers.boolean,
    parsers.certificates,
    parsers.container_name,
    parsers.containers,
    parsers.delimiters,
    parsers.duration,
    parsers.file_path,
    parsers.session_policy,
    parsers.mode,
    parsers.mount_path,
    parsers.on_change,
    parsers.quantity,
    parsers.refresh,
    parsers.variable_name,
    parsers.integer(0, 9),
    parsers.choice("a", "b"),
    endpoints.url,
    trust.address,
    trust.audience,
]


@pytest.mark.parametrize(
    ("parse", "text", "wanted"),
    [
        (parsers.duration, "1h30m", 5400.0),
        (parsers.duration, "500ms", 0.5),
        (parsers.duration, "1.5s", 1.5),
        (parsers.refresh, "90s", 90.0),
        (parsers.refresh, "never", 0.0),
        (parsers.mode, "0440", 0o440),
        (parsers.mode, "400", 0o400),
        (parsers.mode, "0555", 0o555),
        (parsers.quantity, "1.5Gi", "1.5Gi"),
        (parsers.mount_path, "/etc/app", "/etc/app"),
        (parsers.variable_name, "_A1", "_A1"),
        (parsers.containers, " a , b ", ("a", "b")),
        (parsers.delimiters, "[[  ]]", ("[[", "]]")),
        (parsers.session_policy, '{"a": 1}', '{"a": 1}'),
        (parsers.certificates, f"# a comment\n{PEM}{PEM}", f"# a comment\n{PEM}{PEM}"),
        (parsers.on_change, "restart", Action("restart")),
        (
            parsers.on_change,
            "signal:SIGUSR1:my app",
            Action("signal", signal="SIGUSR1", process="my app"),
        ),
        (
            parsers.on_change,
            "http:POST http://[::1]:9000/-/reload?x=1",
            Action("http", method="POST", url="http://[::1]:9000/-/reload?x=1"),
        ),
        (endpoints.url, "https://sts.acme.io/x", "https://sts.acme.io/x"),
        (endpoints.url, "http://169.254.170.23", "http://169.254.170.23"),
        (endpoints.url, "http://[fd00:ec2::23]", "http://[fd00:ec2::23]"),
        (endpoints.url, "http://localhost:8080", "http://localhost:8080"),
        (trust.address, "https://*.acme.io:8200", "https://*.acme.io:8200"),
        (trust.audience, "vault", "vault"),
    ],
)
def test_a_text_becomes_its_value(parse: Callable[[str], Any], text: str, wanted: object) -> None:
    """What was written is what is meant."""
    assert parse(text) == wanted


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (parsers.boolean, ["", "True", "yes", "1"]),
        (parsers.duration, ["", "5", "-1s", "0s", "1d", "1m 5s", "s", "9" * 400 + "h", "٣s"]),
        # A pattern that searches takes minutes for these.
        (parsers.duration, ["1" * 250_000, "1s" * 100_000 + "1"]),
        (parsers.refresh, ["", "999ms", "Never"]),
        (parsers.mode, ["", "0o440", "44", "0666", "0000", "0200", "4755", "07777", "r--r--r--"]),
        (parsers.integer(600, 9_999_999), ["", "599", "1e3", "-1", "٦٠٠", "0" * 9 + "600600600"]),
        (parsers.quantity, ["", "-1", "1 Gi", "1GB", ".5", "1e3", "0", "0.0", "00Mi", "0m"]),
        (
            parsers.mount_path,
            ["", "a", "/", "//a", "/a/", "/a/../b", "/a:b", "/proc", "/sys/x", "/dev/x", "/\0"],
        ),
        (parsers.mount_path, ["/run", "/run/syrette", "/run/syrette/x", "/var/run/secrets"]),
        (parsers.variable_name, ["", "1A", "A-B", "A.B", "Ä", "SYRETTE_PLAN"]),
        (parsers.containers, ["", "a,", "A", "a,a", "a_b", "a" * 64]),
        (parsers.containers, [",".join(f"c{index}" for index in range(257))]),
        (
            parsers.delimiters,
            ["", "[[", "[[ [[", "a b c", "{% %}", "[[ %}", "{# #}", "x" * 9 + " y"],
        ),
        (
            parsers.session_policy,
            ["", "[]", "{", '"x"', "[" * 2000, '{"a": "%s"}' % ("x" * 2048)],
        ),
        (
            parsers.certificates,
            [
                "",
                "x",
                PEM.replace("CERTIFICATE", "PRIVATE KEY"),
                PEM + "-----BEGIN X-----",
                PEM.replace("MII", "AAA").replace("MIJ", "AAA"),
                "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----",
            ],
        ),
        (
            parsers.on_change,
            [
                "",
                "signal",
                "signal:SIGHUP:",
                "signal:SIGHUP:/bin/x",
                "signal:SIGKILL:x",
                "http:GET",
                "http:GET https://127.0.0.1/",
                "http:GET http://127.0.0.2/",
                "http:GET http://localhost.evil/",
                "http:GET http://127.0.0.1:0/",
                "http:GET http://127.0.0.1:99999/",
                "http:GET http://127.0.0.1/a b",
                "http:GET http://[::1",
                "http:GET http://x@127.0.0.1/",
            ],
        ),
        (
            endpoints.url,
            [
                "",
                "sts.acme.io",
                "ftp://a.b",
                "https://",
                "https://a:0",
                "https://a:b",
                "https://u:p@a",
                "https://a?x",
                "https://a#x",
                "https://a b",
                "http://acme.io",
                "http://10.0.0.1",
                "http://[fd00::1]",
                "https://[x",
            ],
        ),
        (
            trust.address,
            ["", "http://a.b", "https://*", "https://a.*.b", "https://u@a.b", "https://host"],
        ),
        (
            trust.audience,
            [
                "",
                " ",
                "kubernetes",
                "https://kubernetes.default.svc",
                "https://Kubernetes.default.svc.cluster.local",
                "kubernetes.default.svc:443/x",
                "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
                "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/",
                "https://acme-1a2b.hcp.westeurope.azmk8s.io:443",
                "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
                "a\nb",
            ],
        ),
    ],
)
def test_anything_else_is_refused(parse: Callable[[str], Any], texts: list[str]) -> None:
    """A value that does not fit is an error, never a default."""
    for text in texts:
        with pytest.raises(ValueError, match=r"."):
            parse(text)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://vault.acme.io", True),
        ("https://vault.acme.io/v1", True),
        ("https://VAULT.acme.io:443/", True),
        ("https://vault.acme.io:8200", False),
        ("http://vault.acme.io", False),
        ("https://vault.acme.io.evil.example", False),
        ("https://vault.acme.io@evil.example", False),
        ("https://evil.example\\@vault.acme.io", False),
        ("https://a.team.acme.io:8200/team", True),
        ("https://a.team.acme.io:8200/team/x", True),
        ("https://a.team.acme.io:8200/teams", False),
        ("https://a.team.acme.io:8200/team/../other", False),
        ("https://a.team.acme.io:8200/team/%2e%2e/other", False),
        ("https://a.team.acme.io:8200/team/..%2fother", False),
        ("https://a.b.team.acme.io:8200/team", False),
        ("https://a．b.team.acme.io:8200/team", False),  # noqa: RUF001 - the dot of another script
        ("https://team.acme.io:8200/team", False),
        ("https://[x", False),
    ],
)
def test_an_address_is_allowed_by_origin_and_path(url: str, *, allowed: bool) -> None:
    """No trick of writing makes another host look like one on the list."""
    listed = ("https://vault.acme.io", "https://*.team.acme.io:8200/team", "not an address")

    assert trust.address_allowed(url, listed) is allowed


@given(st.text() | st.text(alphabet="0123456789.:/%[]@-hmsx \\", max_size=40))
def test_every_parser_is_total(text: str) -> None:
    """Any text is a value or a ValueError, whose message holds no more than its head."""
    for parse in ALL:
        try:
            parse(text)
        except ValueError as exc:
            said = str(exc)
        else:
            said = ""

        assert len(said) < 300
