//! From where an address can be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From everywhere.
    Global,
    /// From this machine.
    Loopback,
    /// From a private network.
    Private,
    /// Never the address of a file's host: link-local (which includes the metadata services of
    /// cloud providers), multicast, reserved, or a tunnel into another network.
    Forbidden,
}

/// A block of addresses: its first address and the length of its prefix.
struct Block<A>(A, u32, Reach);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

const fn host(a: u16, b: u16, end: [u16; 2]) -> Ipv6Addr {
    Ipv6Addr::new(a, b, 0, 0, 0, 0, end[0], end[1])
}

/// The blocks of the IANA IPv4 Special-Purpose Address Registry (revision of 2020-09-04) that are
/// not globally reachable, multicast (RFC 5771), and addresses by which cloud providers serve
/// credentials to their virtual machines. A block that contains another comes after it.
const IPV4: [Block<Ipv4Addr>; 17] = [
    // Metadata services: Alibaba Cloud, within shared address space; the host of an Azure
    // virtual machine, which the registry does not know.
    Block(v4(100, 100, 100, 200), 32, Reach::Forbidden),
    Block(v4(168, 63, 129, 16), 32, Reach::Forbidden),
    Block(v4(0, 0, 0, 0), 8, Reach::Forbidden),
    Block(v4(10, 0, 0, 0), 8, Reach::Private),
    Block(v4(100, 64, 0, 0), 10, Reach::Private),
    Block(v4(127, 0, 0, 0), 8, Reach::Loopback),
    Block(v4(169, 254, 0, 0), 16, Reach::Forbidden),
    Block(v4(172, 16, 0, 0), 12, Reach::Private),
    // Two addresses in it are global, of protocols that serve no files.
    Block(v4(192, 0, 0, 0), 24, Reach::Forbidden),
    Block(v4(192, 0, 2, 0), 24, Reach::Forbidden),
    // 6to4 relays, deprecated.
    Block(v4(192, 88, 99, 0), 24, Reach::Forbidden),
    Block(v4(192, 168, 0, 0), 16, Reach::Private),
    // Benchmarks. Local proxies that answer every DNS query themselves also use it.
    Block(v4(198, 18, 0, 0), 15, Reach::Private),
    Block(v4(198, 51, 100, 0), 24, Reach::Forbidden),
    Block(v4(203, 0, 113, 0), 24, Reach::Forbidden),
    Block(v4(224, 0, 0, 0), 4, Reach::Forbidden),
    Block(v4(240, 0, 0, 0), 4, Reach::Forbidden),
];

/// The same for IPv6: the registry's revision of 2024-10-22 and the block that RFC 9780 added in
/// 2025, deprecated forms of RFC 4291, and multicast. `64:ff9b::/96` and `::ffff:0:0/96` are
/// judged by the IPv4 address in them.
const IPV6: [Block<Ipv6Addr>; 19] = [
    Block(Ipv6Addr::LOCALHOST, 128, Reach::Loopback),
    // The unspecified address, and IPv4-compatible addresses.
    Block(v6(0, 0, 0, 0), 96, Reach::Forbidden),
    // A local-use prefix for translation: where in it the IPv4 address stands is not known.
    Block(v6(0x64, 0xff9b, 1, 0), 48, Reach::Forbidden),
    // Discard-only, and the dummy prefix beside it.
    Block(v6(0x100, 0, 0, 0), 64, Reach::Forbidden),
    Block(v6(0x100, 0, 0, 1), 64, Reach::Forbidden),
    // IETF protocol assignments, Teredo among them. What is global in it serves no files.
    Block(v6(0x2001, 0, 0, 0), 23, Reach::Forbidden),
    Block(v6(0x2001, 0xdb8, 0, 0), 32, Reach::Forbidden),
    // 6to4.
    Block(v6(0x2002, 0, 0, 0), 16, Reach::Forbidden),
    Block(v6(0x3fff, 0, 0, 0), 20, Reach::Forbidden),
    // SRv6 segment identifiers.
    Block(v6(0x5f00, 0, 0, 0), 16, Reach::Forbidden),
    // Metadata services within unique-local addresses: Scaleway, Oracle Cloud, AWS (credentials
    // of EKS pods, then of instances), Google Cloud.
    Block(host(0xfd00, 0x42, [0, 0x42]), 128, Reach::Forbidden),
    Block(host(0xfd00, 0xc1, [0xa9fe, 0xa9fe]), 128, Reach::Forbidden),
    Block(host(0xfd00, 0xec2, [0, 0x23]), 128, Reach::Forbidden),
    Block(host(0xfd00, 0xec2, [0, 0x254]), 128, Reach::Forbidden),
    Block(host(0xfd20, 0xce, [0, 0x254]), 128, Reach::Forbidden),
    Block(v6(0xfc00, 0, 0, 0), 7, Reach::Private),
    Block(v6(0xfe80, 0, 0, 0), 10, Reach::Forbidden),
    // Site-local, deprecated and still routed in old networks.
    Block(v6(0xfec0, 0, 0, 0), 10, Reach::Private),
    Block(v6(0xff00, 0, 0, 0), 8, Reach::Forbidden),
];

/// Returns from where `ip` can be reached.
pub(crate) fn reach(ip: IpAddr) -> Reach {
    // An IPv4-mapped address leads to the IPv4 address.
    match ip.to_canonical() {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    IPV4.iter()
        .find(|Block(first, length, _)| {
            let host_bits = 32 - length;
            u32::from(ip) >> host_bits == u32::from(*first) >> host_bits
        })
        .map_or(Reach::Global, |Block(_, _, reach)| *reach)
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    // On a network with IPv6 alone, DNS64 gives every IPv4 host an address in 64:ff9b::/96.
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = ip.segments() {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        // A private address is that of another network: the one behind the translator.
        return match reach_v4(v4(a, b, c, d)) {
            Reach::Global => Reach::Global,
            _ => Reach::Forbidden,
        };
    }
    IPV6.iter()
        .find(|Block(first, length, _)| {
            let host_bits = 128 - length;
            u128::from(ip) >> host_bits == u128::from(*first) >> host_bits
        })
        .map_or(Reach::Global, |Block(_, _, reach)| *reach)
}

#[cfg(test)]
mod tests {
    use Reach::{Forbidden, Global, Loopback, Private};

    use super::*;

    /// The last address before the block, the block's first and last, the first after it; and
    /// from where the block and the two neighbors can be reached. Not derived from the tables.
    const ROWS: [([&str; 4], [Reach; 3]); 38] = [
        (
            ["", "0.0.0.0", "0.255.255.255", "1.0.0.0"],
            [Global, Forbidden, Global],
        ),
        (
            ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
            [Global, Private, Global],
        ),
        (
            [
                "100.63.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "100.128.0.0",
            ],
            [Global, Private, Global],
        ),
        (
            [
                "100.100.100.199",
                "100.100.100.200",
                "100.100.100.200",
                "100.100.100.201",
            ],
            [Private, Forbidden, Private],
        ),
        (
            [
                "126.255.255.255",
                "127.0.0.0",
                "127.255.255.255",
                "128.0.0.0",
            ],
            [Global, Loopback, Global],
        ),
        (
            [
                "168.63.129.15",
                "168.63.129.16",
                "168.63.129.16",
                "168.63.129.17",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "169.253.255.255",
                "169.254.0.0",
                "169.254.255.255",
                "169.255.0.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "172.15.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "172.32.0.0",
            ],
            [Global, Private, Global],
        ),
        (
            ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
            [Global, Forbidden, Global],
        ),
        (
            ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"],
            [Global, Forbidden, Global],
        ),
        (
            [
                "192.88.98.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.88.100.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "192.167.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "192.169.0.0",
            ],
            [Global, Private, Global],
        ),
        (
            [
                "198.17.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.20.0.0",
            ],
            [Global, Private, Global],
        ),
        (
            [
                "198.51.99.255",
                "198.51.100.0",
                "198.51.100.255",
                "198.51.101.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "203.0.112.255",
                "203.0.113.0",
                "203.0.113.255",
                "203.0.114.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "223.255.255.255",
                "224.0.0.0",
                "239.255.255.255",
                "240.0.0.0",
            ],
            [Global, Forbidden, Forbidden],
        ),
        (
            ["239.255.255.255", "240.0.0.0", "255.255.255.255", ""],
            [Forbidden, Forbidden, Global],
        ),
        (["", "::", "::", "::1"], [Global, Forbidden, Loopback]),
        (
            ["::", "::1", "::1", "::2"],
            [Forbidden, Loopback, Forbidden],
        ),
        (
            ["::1", "::2", "::ffff:ffff", "::1:0:0"],
            [Loopback, Forbidden, Global],
        ),
        (
            [
                "::ffff:9.255.255.255",
                "::ffff:10.0.0.0",
                "::ffff:10.255.255.255",
                "::ffff:11.0.0.0",
            ],
            [Global, Private, Global],
        ),
        (
            [
                "::ffff:126.255.255.255",
                "::ffff:127.0.0.0",
                "::ffff:127.255.255.255",
                "::ffff:128.0.0.0",
            ],
            [Global, Loopback, Global],
        ),
        (
            [
                "::ffff:169.253.255.255",
                "::ffff:169.254.0.0",
                "::ffff:169.254.255.255",
                "::ffff:169.255.0.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "64:ff9b::9.255.255.255",
                "64:ff9b::10.0.0.0",
                "64:ff9b::10.255.255.255",
                "64:ff9b::11.0.0.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "64:ff9b::126.255.255.255",
                "64:ff9b::127.0.0.0",
                "64:ff9b::127.255.255.255",
                "64:ff9b::128.0.0.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "64:ff9b::169.253.255.255",
                "64:ff9b::169.254.0.0",
                "64:ff9b::169.254.255.255",
                "64:ff9b::169.255.0.0",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "64:ff9b:0:ffff:ffff:ffff:ffff:ffff",
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                "64:ff9b:2::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "100::",
                "100::ffff:ffff:ffff:ffff",
                "100:0:0:2::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "100::ffff:ffff:ffff:ffff",
                "100:0:0:1::",
                "100:0:0:1:ffff:ffff:ffff:ffff",
                "100:0:0:2::",
            ],
            [Forbidden, Forbidden, Global],
        ),
        (
            [
                "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001::",
                "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:200::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db9::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2002::",
                "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2003::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff:1000::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "5f00::",
                "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "5f01::",
            ],
            [Global, Forbidden, Global],
        ),
        (
            [
                "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fc00::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fe00::",
            ],
            [Global, Private, Global],
        ),
        (
            [
                "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fec0::",
            ],
            [Global, Forbidden, Private],
        ),
        (
            [
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fec0::",
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "ff00::",
            ],
            [Forbidden, Private, Forbidden],
        ),
        (
            [
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
            ],
            [Private, Forbidden, Global],
        ),
    ];

    #[test]
    fn every_block_ends_where_the_registry_says() {
        for ([before, first, last, after], [below, within, above]) in ROWS {
            let expected = [
                (before, below),
                (first, within),
                (last, within),
                (after, above),
            ];
            for (text, expected) in expected {
                if !text.is_empty() {
                    assert_eq!(reach(text.parse().unwrap()), expected, "{text}");
                }
            }
        }
    }

    #[test]
    fn metadata_services_are_forbidden_and_their_neighbors_are_private() {
        for (text, neighbor) in [
            ("fd00:42::42", "fd00:42::43"),
            ("fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9ff"),
            ("fd00:ec2::23", "fd00:ec2::24"),
            ("fd00:ec2::254", "fd00:ec2::255"),
            ("fd20:ce::254", "fd20:ce::253"),
        ] {
            assert_eq!(reach(text.parse().unwrap()), Forbidden, "{text}");
            assert_eq!(reach(neighbor.parse().unwrap()), Private, "{neighbor}");
        }
    }

    #[test]
    fn ordinary_hosts_are_global() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "104.16.132.229",
            "192.31.196.1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2606:4700::6810:84e5",
            "2a00:1450:4001:82f::200e",
        ] {
            assert_eq!(reach(text.parse().unwrap()), Global, "{text}");
        }
    }
}
