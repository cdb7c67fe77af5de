import { expect, test } from "vitest";
import { pod } from "../kinds/core/pod.ts";
import { wrongWithNew } from "../kinds/testing/judge.ts";

const main = { name: "main", image: "app:1" };
const user = (runAsUserName: string) => ({ securityContext: { windowsOptions: { runAsUserName } } });
const at = "spec.securityContext.windowsOptions.runAsUserName: Invalid value:";

test.each<[what: string, spec: object, wrong: string[]]>([
  ["a user of a domain", user("CONTOSO\\web"), []],
  ["no user", user(""), [`${at} "": runAsUserName cannot be an empty string`]],
  ["two backslashes", user("a\\b\\c"), [`${at} "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash`]],
  [
    "a domain that is none, and no user in it",
    user(".x*\\"),
    [
      `${at} ".x*\\\\": runAsUserName's Domain doesn't match the NetBios nor the DNS format`,
      `${at} ".x*\\\\": runAsUserName's User cannot be empty`,
    ],
  ],
  ["a user of dots alone", user(".."), [`${at} "..": runAsUserName's User cannot contain only periods or spaces`]],
  [
    "one process of the host, beside its network",
    {
      containers: [main, { ...main, name: "b", securityContext: { windowsOptions: { hostProcess: true } } }],
    },
    [
      'spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers',
      "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
    ],
  ],
  [
    "what only Linux knows",
    { os: { name: "windows" }, hostPID: true, securityContext: { runAsUser: 1, seLinuxOptions: { level: "s0" } } },
    [
      "spec.securityContext.seLinuxOptions: Forbidden: cannot be set for a windows pod",
      "spec.hostPID: Forbidden: cannot be set for a windows pod",
      "spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
    ],
  ],
])("a pod for Windows with %s", (_, spec, wrong) => {
  expect(wrongWithNew(pod, { spec: { containers: [main], ...spec } })).toEqual(wrong);
});
