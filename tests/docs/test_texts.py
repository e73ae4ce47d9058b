"""Links lead somewhere, every page can be found, and no page names what belongs to one machine."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from groundup import proto_kernel as kernel
from tests.docs.pages import CHECKOUT, headings, links, name_of, pages
from tests.docs.reader import HOME

PAGES = [pytest.param(page, id=name_of(page)) for page in pages()]
INDEX = CHECKOUT / "docs/index.md"
MACHINE_PATH = re.compile(r"(?<![\w~.$/}])/(?:work|root|tmp|home|Users|opt|mnt)/[\w./-]*")


def local_links(page: Path) -> list[str]:
    return [link for link in links(page.read_text(encoding="utf-8")) if not urlsplit(link).scheme]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in local_links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target.read_text(encoding="utf-8")), link


def test_every_page_is_in_the_index() -> None:
    listed = {(INDEX.parent / link).resolve() for link in local_links(INDEX)}
    assert listed >= {page.resolve() for page in pages()} - {INDEX}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    found = MACHINE_PATH.findall(page.read_text(encoding="utf-8"))
    assert [path for path in found if not path.startswith(HOME)] == []


def index_hosts() -> set[str]:
    """Hosts of the index that this machine uses and of pip's default, with the domain above each."""
    configured = kernel.configured_index()
    addresses = [configured[0]] if configured else []
    with contextlib.suppress(kernel.KernelError):
        addresses.append(kernel.default_index())
    hosts = {urlsplit(address).hostname or "" for address in addresses} - {"127.0.0.1", "localhost", ""}
    return hosts | {host.partition(".")[2] for host in hosts if host.count(".") > 1}


def test_no_page_names_the_host_of_a_package_index() -> None:
    hosts = index_hosts()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert not [host for host in hosts if host in text], name_of(page)


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_made_of_short_lines(page: Path) -> None:
    text = re.sub(r"(?m)^\|.*$|(?ms:^(```+).*?^\1$)", "", page.read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > 120] == []
