# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to the services of an OpenStack: one place for sessions, errors, pages and the cache."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from ..._cloud import CloudError, NoAnswer, Unsupported
from .aliases import Aliases, aliases_of
from .clouds_yaml import open_region, signed_in
from .errors import error_of
from .services import Service

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

    from .stream import Stream

Raw = Mapping[str, Any]  # an item as a service returns it
Raws = Sequence[Raw]
Answer = Dict[str, Any]
Body = Dict[str, Any]  # of a request
Options = Dict[str, Any]  # of a request to keystoneauth1
_SECONDS = 60  # for one answer
_TRIES = 3  # of a request that only reads
_GONE = (404,)


class Api:
    """The services of a cloud for one task, as one of its projects sees them.

    ``actor``: who runs the task. ``deadline``: when its time (wait_timeout) ends, monotonic.
    """

    def __init__(
        self,
        cloud: str,
        project: str,
        actor: str,
        timeout: int,
    ) -> None:
        """``project``: ``default`` is the one of the entry of clouds.yaml. Nothing is opened."""
        self.cloud = cloud
        self.project = project
        self.actor = actor
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.notes: List[str] = []
        self._adapters: Dict[str, Adapter] = {}
        self._lists: Dict[Tuple[object, ...], Raws] = {}

    @cached_property
    def _region(self) -> CloudRegion:
        return open_region(self.cloud, self.project)

    @cached_property
    def _session(self) -> Session:
        return signed_in(self._region, self.cloud, self.project)

    @cached_property
    def aliases(self) -> Aliases:
        """The names of this cloud for those in playbooks."""
        return aliases_of(self.cloud, self._region.config.get('hanok'))

    @property
    def default_interface(self) -> str | None:
        """The name of the network that the entry of clouds.yaml marks ``default_interface``."""
        name: str | None = self._region.get_default_network()
        return name

    @property
    def auth_type(self) -> str:
        """How the entry of clouds.yaml signs in."""
        return str(self._region.config.get('auth_type', ''))

    @cached_property
    def project_id(self) -> str:
        """The id of the project."""
        from keystoneauth1.exceptions import ClientException

        try:
            return str(self._session.get_project_id())
        except ClientException as error:
            raise self._unreachable(error) from error

    @cached_property
    def domain_id(self) -> str:
        """The id of the domain of the project."""
        from keystoneauth1.exceptions import ClientException

        auth: Any = self._session.auth
        try:
            return str(auth.get_access(self._session).project_domain_id)
        except ClientException as error:
            raise self._unreachable(error) from error

    def _adapter(self, service: Service) -> Adapter:
        kind = service.type
        if kind not in self._adapters:
            from keystoneauth1.adapter import Adapter

            self._adapters[kind] = Adapter(
                self._session,
                service_type=kind,
                interface=self._region.get_interface(kind),
                region_name=self._region.get_region_name(kind),
                version=service.version,
            )
        return self._adapters[kind]

    def offers(self, service: Service) -> bool:
        """Return whether the cloud has a service."""
        from keystoneauth1.exceptions import ClientException, EndpointNotFound

        try:
            return self._adapter(service).get_endpoint() is not None
        except EndpointNotFound:
            return False
        except ClientException as error:
            raise self._unreachable(error) from error

    def call(
        self,
        service: Service,
        method: str,
        path: str,
        body: object = None,
        allowed: Collection[int] = (),
        query: Mapping[str, object] | None = None,
        media: str = 'application/json',
    ) -> Answer:
        """Send a request; return the answer, empty if its status is an error in ``allowed``.

        ``media``: the type of the body. Raises NoAnswer if a request that changes something was not
        answered, CloudError otherwise.
        """
        from urllib.parse import urlencode

        if query:
            text = urlencode(query, doseq=True)
            path = f'{path}?{text}'
        options: Options = {'timeout': _SECONDS}
        if method == 'GET':  # others may have been carried out, and must not be twice
            options['connect_retries'] = _TRIES
            options['status_code_retries'] = _TRIES
            options['retriable_status_codes'] = (429, 502, 503, 504)
        if body is not None:
            options['json'] = body
            options['headers'] = {'Content-Type': media}
        return self._answer(service, method, path, options, allowed)

    def get(
        self,
        service: Service,
        path: str,
        query: Mapping[str, object] | None = None,
    ) -> Answer:
        """Return an answer. Raises as ``call`` does."""
        return self.call(service, 'GET', path, query=query)

    def find(
        self,
        service: Service,
        path: str,
        unknown: Collection[int] = _GONE,
    ) -> Answer:
        """Return the answer about something; empty if its status is one of ``unknown``."""
        return self.call(service, 'GET', path, allowed=unknown)

    def post(self, service: Service, path: str, body: object) -> Answer:
        """Create something, or let something be done. Raises as ``call`` does."""
        return self.call(service, 'POST', path, body)

    def put(self, service: Service, path: str, body: object) -> Answer:
        """Update something. Raises as ``call`` does."""
        return self.call(service, 'PUT', path, body)

    def delete(
        self,
        service: Service,
        path: str,
        allowed: Collection[int] = _GONE,
        query: Mapping[str, object] | None = None,
    ) -> None:
        """Delete something; if it is gone already, that is no error."""
        self.call(service, 'DELETE', path, allowed=allowed, query=query)

    def upload(self, service: Service, path: str, data: bytes | Stream) -> None:
        """Send a file. Raises as ``call`` does."""
        options: Options = {
            'data': data,
            'headers': {'Content-Type': 'application/octet-stream'},
            # The service answers when it has stored everything.
            'timeout': max(_SECONDS, self.deadline - time.monotonic()),
        }
        self._answer(service, 'PUT', path, options, ())

    def _answer(
        self,
        service: Service,
        method: str,
        path: str,
        options: Options,
        allowed: Collection[int],
    ) -> Answer:
        try:
            answer = self._request(service, method, service.path + path, options)
        finally:
            if method != 'GET':  # also without an answer it may have changed something
                self.forget()
        if answer.status_code < 400:
            return dict(answer.json()) if answer.content else {}
        if answer.status_code in allowed:
            return {}
        request = answer.headers.get('x-openstack-request-id', '')
        raise error_of(self.cloud, service, answer.status_code, answer.text, request)

    def _request(
        self,
        service: Service,
        method: str,
        path: str,
        options: Options,
    ) -> Any:
        from keystoneauth1 import exceptions

        if service.microversion:
            options['microversion'] = service.microversion
        try:
            return self._adapter(service).request(path, method, raise_exc=False, **options)
        except exceptions.EndpointNotFound as error:
            raise Unsupported(f'the cloud {self.cloud} has no service {service.type}') from error
        except exceptions.ConnectionError as error:
            if method == 'GET':
                raise self._unreachable(error) from error
            raise NoAnswer(f'the cloud {self.cloud} did not answer: {error}') from error
        except exceptions.ClientException as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> CloudError:
        return CloudError(f'cloud: {self.cloud} cannot be used: {error}', 'cloud')

    def pages(self, service: Service, path: str, key: str, **query: object) -> List[Raw]:
        """Return all items of a list, page by page."""
        wanted = {option: value for option, value in query.items() if value is not None}
        return list(self._items(service, path, key, wanted))

    def _items(
        self,
        service: Service,
        path: str,
        key: str,
        query: Dict[str, object],
    ) -> Iterator[Raw]:
        while True:
            page = self.get(service, path, query)
            items = page[key]
            yield from items
            if not items or not _has_next(page, key):
                return
            last = items[-1]
            query['marker'] = last['keypair']['name'] if key == 'keypairs' else last['id']

    def listed(self, service: Service, path: str, key: str, **query: object) -> Raws:
        """Return a list that is the same until something is changed: it is requested once."""
        options = tuple(sorted(query.items()))
        place = (service.type, path, options)
        if place not in self._lists:
            self._lists[place] = self.pages(service, path, key, **query)
        return self._lists[place]

    def forget(self) -> None:
        """Forget the lists, because something has changed."""
        self._lists.clear()

    def close(self) -> None:
        """Close the connections, if any were opened."""
        if '_session' in self.__dict__:
            self._session.session.close()


def _has_next(page: Raw, key: str) -> bool:
    """Whether a page of a list has a link to the next one.

    Glance has it in ``next``, the others in KEY_links.
    """
    links = page.get(f'{key}_links', ())
    kinds = [link.get('rel') for link in links]
    return 'next' in kinds or bool(page.get('next'))
