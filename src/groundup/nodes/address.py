"""Where the state manager is: arguments, then variables, then the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from groundup.nodes.embedded import EmbeddedManagerFactory, embedded_manager
from groundup.nodes.errors import RuntimeConfigurationError
from groundup.nodes.variables import variables

URI_VARIABLE = "EXOSPHERE_STATE_MANAGER_URI"
KEY_VARIABLE = "EXOSPHERE_API_KEY"


@dataclass(frozen=True, slots=True)
class Address:
    """A state manager as it was configured; without ``uri`` and ``key`` it is the embedded one."""

    namespace: str
    uri: str | None
    key: str | None
    version: str
    factory: EmbeddedManagerFactory | None = None

    def in_namespace(self, *parts: str) -> str:
        """The full address of an endpoint below the namespace."""
        return f"{self.uri}/{self.version}/{self._below_namespace(*parts)}"

    def extended_in_namespace(self, *parts: str) -> str:
        """As :meth:`in_namespace`, of what groundup's manager offers beyond the protocol."""
        return self.extension(self._below_namespace(*parts))

    def _below_namespace(self, *parts: str) -> str:
        return "/".join(quote(part, safe="") for part in ("namespace", self.namespace, *parts))

    def extension(self, path: str) -> str:
        """The full address of what groundup's manager offers beyond the protocol."""
        return f"{self.uri}/v1/{path}"

    @contextmanager
    def reached(self) -> Iterator[Address]:
        """This address with its URI and key; the embedded manager runs meanwhile."""
        if self.factory is None:
            yield self
            return
        with self.factory() as manager:
            yield replace(self, uri=manager.uri.rstrip("/"), key=manager.key, factory=None)


def resolve(
    namespace: str, uri: str | None, key: str | None, version: str, *, embedded: bool = True
) -> Address:
    """The address from arguments, variables and ``.env``; nothing at all means the embedded manager.

    :raises RuntimeConfigurationError: when the URI or the key is missing, or the URI is none of HTTP.
    """
    given = variables()
    uri = uri or given.get(URI_VARIABLE) or None
    key = key or given.get(KEY_VARIABLE) or None
    if uri is None and key is None and embedded and (factory := embedded_manager()):
        return Address(namespace, None, None, version, factory)
    if uri is None:
        raise RuntimeConfigurationError(
            "State manager URI is not set", hint=f"pass state_manager_uri or set {URI_VARIABLE}"
        )
    if key is None:
        raise RuntimeConfigurationError("API key is not set", hint=f"pass key or set {KEY_VARIABLE}")
    if not _is_http(uri):
        raise RuntimeConfigurationError(
            f"State manager URI is no address of HTTP: {uri.rpartition('@')[2]}",
            hint=f"pass state_manager_uri or set {URI_VARIABLE}, for example to http://127.0.0.1:8000",
        )
    return Address(namespace, uri.rstrip("/"), key, version)


def _is_http(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
