"""What lies between the mail program and the servers. Rules are given while the cases are built, and are
all in force from load() on."""
from harness import need, run

REJECT = {"prohibited": "reject with icmpx admin-prohibited", "unreachable": "reject with icmpx host-unreachable",
          "refused": "reject with tcp reset", "drop": "drop"}


class Firewall:
    def __init__(self, internet):
        need("nft")
        self.internet = internet
        self.filter, self.nat = [], []

    def stop(self, address, how, *ports):
        """What is sent to these ports of this address does not arrive. No port: to all of them."""
        family = "ip6" if ":" in address else "ip"
        which = f"dport {{ {', '.join(str(p) for p in ports)} }}" if ports else "dport 1-65535"
        self.filter.append(f"{family} daddr {address} tcp {which} {REJECT[how]}")

    def silence(self, address):
        """No packet to it arrives."""
        self.filter.append(f"ip daddr {address} drop")

    def only_small(self, address, octets):
        """Packets that come from this address and are larger get lost, as behind a tunnel whose size nobody told."""
        self.filter.append(f"ip saddr {address} meta length > {octets} drop")

    def redirect(self, address, to, to_port, *ports):
        """Another server gets what was meant for these ports of this address. No port: for all of them."""
        which = f"dport {{ {', '.join(str(p) for p in ports)} }}" if ports else "dport 1-65535"
        self.nat.append(f"ip daddr {address} tcp {which} dnat ip to {to}:{to_port}")

    def load(self):
        coming = [r for r in self.filter if "saddr" not in r]
        bound = [r for r in self.filter if "saddr" in r]
        with self.internet.outside():
            self.put([("filter hook input priority 0", coming), ("filter hook output priority 0", bound)])
        self.put([("nat hook output priority -100", self.nat)])

    @staticmethod
    def put(chains):
        text = "".join(f"chain c{i} {{\ntype {kind};\n" + "\n".join(rules) + "\n}\n" for i, (kind, rules) in enumerate(chains))
        run("nft", "-f", "-", input=f"table inet lab {{\n{text}}}\n", check=True)
