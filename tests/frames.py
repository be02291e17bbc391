"""Ethernet frames as an attacker writes them: ARP (RFC 826), IPv4 and IPv6 with UDP, neighbor discovery (RFC 4861)."""

import socket
import struct

from tests.network import Namespace

BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = ("33:33:00:00:00:01", "ff02::1")


def send(place: Namespace, frame: bytes, interface: str = "eth0") -> None:
    """Send a frame from a namespace: packet(7)."""
    with place.entered():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with wire:
        wire.bind((interface, 0))
        wire.send(frame)


def mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ethernet(to: str, sender: str, kind: int, payload: bytes) -> bytes:
    return mac_bytes(to) + mac_bytes(sender) + struct.pack(">H", kind) + payload


def arp_reply(to: str, sender: str, address: str, claimed_mac: str, asker: str) -> bytes:
    """Say that an address is at a MAC address."""
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2)
    claim = mac_bytes(claimed_mac) + socket.inet_aton(address) + mac_bytes(to) + socket.inet_aton(asker)
    return ethernet(to, sender, 0x0806, head + claim)


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp4(macs: tuple[str, str], source: str, destination: str, port: int, data: bytes = b"spoofed") -> bytes:
    """Write a datagram; `macs` are the receiver's and the sender's."""
    datagram = struct.pack(">HHHH", 4444, port, 8 + len(data), 0) + data
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, socket.IPPROTO_UDP, 0) + ends
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return ethernet(*macs, 0x0800, head + datagram)


def ipv6(macs: tuple[str, str], source: str, destination: str, protocol: int, payload: bytes, at: int) -> bytes:
    """Write a packet, with the checksum of its payload at an offset."""
    ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    total = checksum(ends + struct.pack(">II", len(payload), protocol) + payload)
    payload = payload[:at] + struct.pack(">H", total) + payload[at + 2 :]
    return ethernet(*macs, 0x86DD, struct.pack(">IHBB", 6 << 28, len(payload), protocol, 255) + ends + payload)


def udp6(macs: tuple[str, str], source: str, destination: str, port: int, data: bytes = b"spoofed") -> bytes:
    """Write a datagram; `macs` are the receiver's and the sender's."""
    datagram = struct.pack(">HHHH", 4444, port, 8 + len(data), 0) + data
    return ipv6(macs, source, destination, socket.IPPROTO_UDP, datagram, 6)


def neighbor_advert(macs: tuple[str, str], source: str, destination: str, target: str, claimed_mac: str) -> bytes:
    """Say, unasked and overriding what is known, that an address is at a MAC address."""
    body = struct.pack(">BBHI", 136, 0, 0, 0x20000000) + socket.inet_pton(socket.AF_INET6, target)
    return ipv6(macs, source, destination, socket.IPPROTO_ICMPV6, body + b"\x02\x01" + mac_bytes(claimed_mac), 2)


def router_advert(sender: str, source: str) -> bytes:
    """Say to all that the sender is a router."""
    mac, address = ALL_NODES
    body = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + b"\x01\x01" + mac_bytes(sender)
    return ipv6((mac, sender), source, address, socket.IPPROTO_ICMPV6, body, 2)
