import { expect, test } from "vitest";
import { concernsFilters, concernsMachine, concernsSettings, concernsSkiff } from "./mend.ts";

test.each<[what: string, line: string, concerns: boolean]>([
  ["the node's own link is gone", "Deleted 7: skiff0@skiff0p: <BROADCAST> mtu 1500 state DOWN", true],
  ["the overlay is gone", "Deleted 9: skiffvx: <BROADCAST> mtu 1450 state DOWN", true],
  ["the overlay was set down", "9: skiffvx: <BROADCAST,MULTICAST> mtu 1450 state DOWN group default", true],
  ["the overlay is up", "9: skiffvx: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 state UNKNOWN group default", false],
  ["the tunnels are gone", "Deleted 9: skiffwg: <POINTOPOINT,NOARP> mtu 1440 state DOWN", true],
  ["a way to another node is gone", "Deleted 10.42.1.0/24 via 172.31.20.2 dev eth0 proto 143 src 10.42.0.1", true],
  ["the way to a pod is gone", "Deleted 10.42.0.7 dev skf0123456789ab proto 143 scope link", true],
  ["a pod's link went with its pod", "Deleted 12: skf0123456789ab@if2: <BROADCAST> mtu 1450 state DOWN", false],
  ["a pod's link came", "12: skf0123456789ab@if2: <BROADCAST,UP> mtu 1450 state UP", false],
  ["the machine's link is up again", "2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP group", true],
  ["a container of somebody else's came", "14: veth1a2b@if13: <BROADCAST,UP> mtu 1500 state UP", false],
  ["somebody else's route is gone", "Deleted 192.0.2.0/24 dev eth0 scope link", false],
])("%s: %s", (_, line, concerns) => expect(concernsSkiff(line)).toBe(concerns));

test.each<[what: string, line: string, concerns: boolean]>([
  ["a chain", "add chain ip filter FORWARD { type filter hook forward priority filter; policy drop; }", true],
  ["a rule", "add rule ip filter INPUT udp dport 8472 drop", true],
  ["a rule is gone", "delete rule ip filter INPUT handle 4", true],
  ["an address in a set", "add element inet f2b banned { 192.0.2.1 }", false],
  ["skiff's own rule", "add rule inet skiff svc4/default/web/tcp-80 meta l4proto tcp", false],
  ["the end of a transaction", "# new generation 7 by process 1 (nft)", false],
])("of others' filters: %s: %s", (_, line, concerns) => expect(concernsFilters(line)).toBe(concerns));

test.each<[what: string, line: string, concerns: boolean]>([
  ["forwarding was switched off", "inet all forwarding off ", true],
  ["IPv6's was", "inet6 all forwarding off ", true],
  ["it was switched on", "inet all forwarding on ", false],
  ["a link came", "inet skf0123456789ab forwarding off rp_filter off mc_forwarding off proxy_neigh off", false],
])("of settings: %s: %s", (_, line, concerns) => expect(concernsSettings(line)).toBe(concerns));

test.each<[what: string, line: string, concerns: boolean]>([
  ["a new address", "2: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global dynamic eth0", true],
  ["an address is gone", "Deleted 2: eth0    inet 192.0.2.6/24 scope global eth0", true],
  ["another way outside", "default via 192.0.2.1 dev eth0 proto dhcp", true],
  ["skiff's own address", "7: skiff0    inet 10.42.0.1/32 scope global skiff0", false],
  ["a link-local address", "2: eth0    inet6 fe80::1/64 scope link", false],
])("of the machine: %s: %s", (_, line, concerns) => expect(concernsMachine(line)).toBe(concerns));
