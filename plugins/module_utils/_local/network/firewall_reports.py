# Copyright: Hanok developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports of chains that drop packets of servers, with the command that makes them accept."""

from __future__ import annotations

from collections.abc import Sequence

from .filter_rules import DIRECTIONS, BaseChain, Rules, verdict

_DROPPED = {
    'input': 'packets from servers to this host (DHCP, DNS)',
    'forward': 'packets from and to servers',
}


def report(chain: BaseChain, rules: Rules, bridges: Sequence[str]) -> str:
    """What a chain drops, and the command that makes it accept; empty when it drops nothing."""
    accepts = all(
        verdict(chain, rules, direction, bridge) == 'accept'
        for bridge in bridges
        for direction in DIRECTIONS[chain.hook]
    )
    if accepts:
        return ''
    return (
        f'chain {chain.name} of table {chain.table.family} {chain.table.name} drops '
        f'{_DROPPED[chain.hook]}; to accept them: {remedy(chain)}'
    )


def remedy(chain: BaseChain) -> str:
    """The command that makes a chain accept the packets of servers on all bridges of ours."""
    program = chain.table.program
    incoming = chain.hook == 'input'
    if program == 'firewalld':
        zone = '--zone trusted --add-interface hk+'
        return f'firewall-cmd --permanent {zone} && firewall-cmd {zone}'
    if program == 'ufw':
        forwarded = 'ufw route allow in on hk+ && ufw route allow out on hk+'
        return 'ufw allow in on hk+' if incoming else forwarded
    if program in ('iptables-nft', 'iptables-legacy'):
        flags = ('-i',) if incoming else ('-i', '-o')
        return ' && '.join(f'{program} -I {chain.name} {flag} hk+ -j ACCEPT' for flag in flags)
    into = f'{chain.table.family} {chain.table.name} {chain.name}'
    inserted = ' && '.join(
        f'nft insert rule {into} {direction} \'"hk*"\' accept'
        for direction in DIRECTIONS[chain.hook]
    )
    return f'{inserted} (also in the file that defines this table)'
