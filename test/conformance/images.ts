import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeArchive, type TestImage } from "../support/images.ts";
import type { Machine } from "../support/machine.ts";
import { program, sources } from "./suite.ts";

const path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const command = (...words: readonly string[]): string => `CMD ${JSON.stringify(words)}`;
/** A web server that ends when it is asked to, as those do for which it stands in. */
const serving = (folder: string): string =>
  command("/bin/sh", "-c", `trap 'exit 0' TERM; busybox httpd -f -p 80 -h ${folder} & wait`);

/** What the suite's images are made of here, where no registry can be reached, and under which names they are asked for. */
const images: Readonly<
  Record<string, Omit<TestImage, "changes"> & { as: Readonly<Record<string, readonly string[]>> }>
> = {
  busybox: {
    packages: ["busybox-static"],
    finish() {},
    as: {
      "busybox:1.29": [command("sh"), path],
      "gcr.io/kubernetes-e2e-test-images/nonroot:1.0": ["USER 1234", command("sh")],
      "gcr.io/kubernetes-e2e-test-images/ipc-utils:1.0": [command("sh")],
      "k8s.gcr.io/pause:3.2": ['ENTRYPOINT ["/bin/sleep","1000000"]'],
    },
  },
  agnhost: {
    packages: ["busybox-static", "bind9-dnsutils", "curl", "netcat-openbsd", "iproute2", "bash", "libc-bin"],
    finish(root) {
      shellIsBash(root);
      copyFileSync(program("agnhost"), join(root, "agnhost"));
      symlinkSync("agnhost", join(root, "agnhost-2"));
      for (const end of ["crt", "key"])
        copyFileSync(join(sources, `test/images/agnhost/porter/localhost.${end}`), join(root, `localhost.${end}`));
      mkdirSync(join(root, "uploads"));
      rmSync(join(root, "bin/nc"), { force: true });
      symlinkSync("nc.openbsd", join(root, "bin/nc"));
    },
    as: {
      "k8s.gcr.io/e2e-test-images/agnhost:2.21": [
        'ENTRYPOINT ["/agnhost"]',
        command("pause"),
        "EXPOSE 80 8080 8081 9376",
        path,
      ],
    },
  },
  dnsutils: {
    packages: ["busybox-static", "bind9-dnsutils", "bash", "libc-bin"],
    finish: shellIsBash,
    as: { "gcr.io/kubernetes-e2e-test-images/jessie-dnsutils:1.0": [command("sh")] },
  },
  httpd: {
    packages: ["busybox-static"],
    finish: (root) =>
      putPage(root, "usr/local/apache2/htdocs/index.html", "<html><body><h1>It works!</h1></body></html>\n"),
    as: Object.fromEntries(
      ["httpd:2.4.38-alpine", "httpd:2.4.39-alpine", "nginx:1.14-alpine", "nginx:1.15-alpine"].map((name) => [
        name,
        [serving("/usr/local/apache2/htdocs"), `ENV STANDS_IN_FOR=${name}`],
      ]),
    ),
  },
  nautilus: {
    packages: ["busybox-static"],
    finish: (root) => putPage(root, "www/data.json", '{"image": "nautilus.jpg"}'),
    as: { "gcr.io/kubernetes-e2e-test-images/nautilus:1.0": [serving("/www")] },
  },
  perl: {
    packages: ["busybox-static", "perl", "perl-modules-5.36"],
    finish() {},
    as: { "perl:5.26": [command("perl")] },
  },
  etcd: {
    packages: ["busybox-static", "etcd-server"],
    finish(root) {
      mkdirSync(join(root, "usr/local/bin"), { recursive: true });
      symlinkSync("/usr/bin/etcd", join(root, "usr/local/bin/etcd"));
    },
    as: { "k8s.gcr.io/etcd:3.4.13-0": [command("etcd")] },
  },
  nonewprivs: {
    packages: ["busybox-static"],
    finish(root) {
      const source = join(root, "nnp.c");
      writeFileSync(
        source,
        '#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("Effective uid: %d\\n", geteuid()); }\n',
      );
      execFileSync("gcc", ["-static", "-o", join(root, "nnp"), source]);
      execFileSync("chmod", ["4755", join(root, "nnp")]);
    },
    as: { "gcr.io/kubernetes-e2e-test-images/nonewprivs:1.0": [command("/nnp")] },
  },
  "sample-apiserver": {
    packages: ["busybox-static"],
    finish: (root) => copyFileSync(program("sample-apiserver"), join(root, "sample-apiserver")),
    as: { "gcr.io/kubernetes-e2e-test-images/sample-apiserver:1.17": ['ENTRYPOINT ["/sample-apiserver"]'] },
  },
};

/** Puts all images into a machine's Docker; makes those that are not there yet. */
export async function loadSuiteImages(machine: Machine): Promise<void> {
  for (const [name, image] of Object.entries(images)) {
    const archive = await makeArchive(`conformance-${name}`, image);
    for (const [tag, changes] of Object.entries(image.as)) {
      const told = changes.flatMap((change) => ["-c", change]);
      await machine.must("docker", ["-H", "unix:///run/docker.sock", "import", ...told, archive, tag]);
    }
  }
}

/** busybox's shell runs its own programs before any on the PATH. */
function shellIsBash(root: string): void {
  rmSync(join(root, "bin/sh"), { force: true });
  symlinkSync("bash", join(root, "bin/sh"));
}

function putPage(root: string, file: string, text: string): void {
  mkdirSync(join(root, file, ".."), { recursive: true });
  writeFileSync(join(root, file), text);
}
