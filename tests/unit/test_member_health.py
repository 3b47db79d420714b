# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health of members by the output of HAProxy; malformed output never fails a task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hanok.cloud.plugins.module_utils._ansible import lb as edge
from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer.lbs import unchecked
from ansible_collections.hanok.cloud.plugins.module_utils._local.balancer.member_health import (
    health,
)
from ansible_collections.hanok.cloud.plugins.module_utils._model.lb import (
    Lb,
    LbRequest,
    Listener,
    MemberHealth,
)
from ansible_collections.hanok.cloud.plugins.module_utils._plan.lb import ObservedLbs, plan

HEAD = '# pxname,svname,status,check_code,check_desc,last_chk,\n'
STAT = (
    HEAD
    + """sources,BACKEND,UP,,,,
listen_80,FRONTEND,OPEN,,,,
members_80,web-1,UP,200,Layer7 check passed,HTTP status check returned code 200,
members_80,web-2,UP 1/2,,Layer4 timeout,,
members_80,web-3,DOWN,404,Layer7 wrong status,,
members_80,web-4,UP,,,,
members_81,web-4,DOWN 1/2,,Layer4 connection problem,Connection refused,
members_80,web-5,MAINT,,,,
members_80,BACKEND,UP,,,,
"""
)


def test_statuses_and_reasons() -> None:
    """Each member has a status and the reason of HAProxy; down behind one listener is down."""
    names = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6']
    assert health(STAT, names) == (
        MemberHealth(
            'web-1', 'ONLINE', 'Layer7 check passed: HTTP status check returned code 200: 200'
        ),
        MemberHealth('web-2', 'ONLINE', 'Layer4 timeout'),
        MemberHealth('web-3', 'ERROR', 'Layer7 wrong status: 404'),
        MemberHealth('web-4', 'ERROR', 'Layer4 connection problem: Connection refused'),
        MemberHealth('web-5', 'UNKNOWN', ''),
        MemberHealth('web-6', 'UNKNOWN', 'not reported by the load balancer'),
    )


@pytest.mark.parametrize('status', ['INI', '* INI'])
def test_before_the_first_check(status: str) -> None:
    """HAProxy says UP; nobody knows yet."""
    text = f'# pxname,svname,status,check_status,check_desc,\nmembers_80,web,UP,{status},Init,\n'
    assert health(text, ['web']) == (MemberHealth('web', 'UNKNOWN', 'not checked yet'),)


def test_no_output_and_no_check() -> None:
    """HAProxy does not answer; there is no health check."""
    unknown = MemberHealth('web', 'UNKNOWN', 'not reported by the load balancer')
    assert health(None, ['web']) == (unknown,)
    assert unchecked(['web']) == (MemberHealth('web', 'NO_MONITOR'),)


def test_a_hostile_reason() -> None:
    """One printable line of limited length."""
    text = HEAD + f'members_80,web,DOWN,,"\x1b[2J\nok: [localhost]{"x" * 9000}",,\n'
    (member,) = health(text, ['web'])
    assert member.status == 'ERROR'
    assert len(member.reason) <= 200
    assert member.reason.isprintable()


@given(st.text() | st.text().map(lambda text: HEAD + text))
def test_any_text(text: str) -> None:
    """Any output results in a status."""
    (member,) = health(text, ['web'])
    assert member.status in ('ONLINE', 'ERROR', 'UNKNOWN')


@pytest.mark.parametrize('wait_for', [None, 'healthy'])
def test_waiting_needs_a_check(wait_for: str | None) -> None:
    """Without a health check, waiting for healthy members is refused."""
    existing = Lb('web', listeners=(Listener(80),))
    request = LbRequest('web', 'present', {}, None, wait_for)
    refused = plan(request, ObservedLbs({'web': existing})).refused
    assert [text.partition(';')[0] for text in refused] == (
        ['wait_for: lb web has no health check to wait for'] if wait_for else []
    )
    assert 'wait_for' in edge.ARGUMENTS
