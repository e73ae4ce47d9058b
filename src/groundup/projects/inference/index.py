"""The indexes that uv uses, and what they have of a distribution: PEP 503 pages, PEP 691 where served."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from groundup import proto_kernel
from groundup.errors import GroundupError, UserError
from groundup.projects.inference.modules import distribution_name
from groundup.projects.inference.transfer import LARGEST_PAGE, Answer, TransferError, get


@dataclass(frozen=True)
class IndexFile:
    """One file of a distribution, as an index lists it."""

    filename: str
    url: str
    sha256: str = ""
    requires_python: str = ""
    yanked: bool = False


@dataclass(frozen=True)
class Indexes:
    """Addresses of indexes, credentials in them; the first that has a distribution is the one to ask."""

    addresses: tuple[str, ...]
    offline: bool = False

    def files(self, distribution: str) -> list[IndexFile]:
        """Return the files of a distribution; empty where no index has it.

        :raises TransferError: an index cannot be asked.
        """
        for address in self.addresses:
            page = f"{address.rstrip('/')}/{distribution_name(distribution)}/"
            if self.offline:
                raise GroundupError(
                    f"whether {distribution} provides a module is not known offline",
                    hint="run once without UV_OFFLINE or --offline",
                )
            try:
                return parse_page(get(page, LARGEST_PAGE), page)
            except TransferError as error:
                if error.status not in (404, 410):
                    raise
        return []


def configured_indexes(settings: Mapping[str, Any] | None = None) -> Indexes:
    """Return the indexes in uv's order: `settings` of a script, variables, the files of user and system.

    :raises GroundupError: none is known.
    """
    own = settings or {}
    tables = [own, *_uv_files()]
    named = [*_declared(own), *_from_variables(), *(one for table in tables[1:] for one in _declared(table))]
    default = _default_of(own) or _default_from_environment(tables[1:])
    addresses = [address for address, is_default in named if not is_default]
    offline = (
        os.environ.get("UV_OFFLINE", "").lower() in ("1", "true", "yes", "on") or proto_kernel.LOG.offline
    )
    return Indexes(tuple(dict.fromkeys([*addresses, *([default] if default else [])])), bool(offline))


def parse_page(answer: Answer, page: str) -> list[IndexFile]:
    """Return the files of an answer to a request for `page`, whose credentials go to its own host alone."""
    own = "" if "@" not in urlsplit(page).netloc else page

    def absolute(link: str) -> str:
        url = urljoin(answer.address, link.partition("#")[0])
        return str(proto_kernel.with_user_of(url, own)) if own else url

    text = answer.body.decode("utf-8", "replace")
    try:
        listed = _listed_json(text) if text.lstrip().startswith("{") else _listed_html(text)
        return [
            IndexFile(one.filename, absolute(one.url), one.sha256, one.requires_python, one.yanked)
            for one in listed
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransferError(f"{page} is not a page of an index: {error}", status=answer.status) from None


def _listed_json(text: str) -> Iterator[IndexFile]:
    for file in json.loads(text)["files"]:
        yield IndexFile(
            filename=str(file["filename"]),
            url=str(file["url"]),
            sha256=str((file.get("hashes") or {}).get("sha256", "")),
            requires_python=str(file.get("requires-python") or ""),
            yanked=bool(file.get("yanked", False)),
        )


def _listed_html(text: str) -> list[IndexFile]:
    links = _Links()
    links.feed(text)
    links.close()
    return links.found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[IndexFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        url = given.get("href")
        if tag != "a" or not url:
            return
        address, _, fragment = url.partition("#")
        sha256 = re.search(r"sha256=([0-9a-fA-F]{64})", fragment)
        self.found.append(
            IndexFile(
                filename=_unquoted_name(address),
                url=address,
                sha256=sha256[1].lower() if sha256 else "",
                requires_python=given.get("data-requires-python") or "",
                yanked="data-yanked" in given,
            )
        )


def _unquoted_name(address: str) -> str:
    from urllib.parse import unquote

    return unquote(urlsplit(address).path.rpartition("/")[2])


def _uv_files() -> list[Mapping[str, Any]]:
    """Return the settings in uv's own files: the one of a variable, else the user's and the system's."""
    chosen = os.environ.get("UV_CONFIG_FILE")
    if chosen:
        return [_read(Path(chosen))]
    if os.environ.get("UV_NO_CONFIG", "").lower() in ("1", "true"):
        return []
    return [_read(path) for path in (Path(proto_kernel.user_settings()), Path("/etc/uv/uv.toml"))]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read as uv's settings: {error}", hint="correct the file"
        ) from error


def _declared(table: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return the indexes of a table of uv's settings: address, and whether it is the default."""
    found = [
        (_with_credentials(str(one.get("url", "")), str(one.get("name", ""))), bool(one.get("default")))
        for one in _list_of(table, "index")
        if isinstance(one, dict) and not one.get("explicit")
    ]
    return found + [(str(one), False) for one in _list_of(table, "extra-index-url")]


def _list_of(table: Mapping[str, Any], key: str) -> list[Any]:
    """Return a setting that is a list, or one text; uv tells of other values that they are wrong."""
    value = table.get(key, [])
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _from_variables() -> list[tuple[str, bool]]:
    words = f"{os.environ.get('UV_INDEX', '')} {os.environ.get('UV_EXTRA_INDEX_URL', '')}".split()
    return [(_address(word), False) for word in words]


def _address(word: str) -> str:
    """Return the address in ``name=address``, or in an address alone."""
    name, _, address = word.partition("=")
    return _with_credentials(address, name) if address and "/" not in name else word


def _with_credentials(address: str, name: str) -> str:
    """Put the credentials that variables hold for a named index into its address."""
    variable = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    user, password = (os.environ.get(f"{variable}_{part}", "") for part in ("USERNAME", "PASSWORD"))
    if not name or not (user or password) or "@" in urlsplit(address).netloc:
        return address
    return address.replace("://", f"://{quote(user, safe='')}:{quote(password, safe='')}@", 1)


def _default_of(table: Mapping[str, Any]) -> str:
    declared = next((address for address, is_default in _declared(table) if is_default), "")
    return declared or str(table.get("index-url", ""))


def _default_from_environment(tables: list[Mapping[str, Any]]) -> str:
    if any(table.get("no-index") for table in tables) or os.environ.get("UV_NO_INDEX"):
        return ""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if os.environ.get(variable, "").strip():
            return _address(os.environ[variable].strip())
    from_files = next((address for table in tables if (address := _default_of(table))), "")
    try:
        found = proto_kernel.configured_index()
        return from_files or (found[0] if found else str(proto_kernel.default_index()))
    except proto_kernel.KernelError as error:
        raise GroundupError(str(error), hint=error.hint, exit_code=error.code) from error
