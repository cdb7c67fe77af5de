import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cache, fetchPackages, unpackPackages } from "./debian.ts";
import type { Machine } from "./machine.ts";
import { must } from "./run.ts";

/** The images of the tests, made from Debian's packages: a file system and what Docker is told at the import. */
const images = {
  "busybox:1": { packages: ["busybox-static"], finish: busyboxOnly, changes: ['CMD ["sh"]'] },
  "nginx:1.25": {
    packages: ["nginx-light", "busybox-static"],
    finish: nginxSite,
    changes: ['ENTRYPOINT ["/usr/sbin/nginx","-g","daemon off;"]', "EXPOSE 80"],
  },
  "flask-app:1": {
    packages: ["python3-flask", "busybox-static"],
    finish: flaskApplication,
    changes: ['ENTRYPOINT ["/usr/bin/python3","/app.py"]', "EXPOSE 5000"],
  },
  "postgres:15": {
    packages: ["postgresql-15", "busybox-static"],
    finish: postgresAsPublished,
    changes: [
      'ENTRYPOINT ["/entrypoint.sh"]',
      "ENV PGDATA=/var/lib/postgresql/data PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin:/usr/sbin:/sbin",
      "EXPOSE 5432",
    ],
  },
} as const satisfies Record<string, TestImage>;

export interface TestImage {
  readonly packages: readonly string[];
  readonly finish: (root: string) => void;
  readonly changes: readonly string[];
}

export type ImageName = keyof typeof images;

/** Makes the image's archive if it is not there yet; resolves with its path. */
export function imageArchive(name: ImageName): Promise<string> {
  return makeArchive(name.replace(/[:/]/g, "-"), images[name]);
}

/** The same for an image that only one test has. */
export async function makeArchive(name: string, image: Omit<TestImage, "changes">): Promise<string> {
  const archive = join(cache, "images", `${name}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(join(cache, "images"), { recursive: true });
  const root = mkdtempSync(join(tmpdir(), "skiff-image-"));
  try {
    await unpackPackages(await fetchPackages(image.packages, { release: "bookworm", closure: true }), root);
    await putShell(root);
    image.finish(root);
    await must("tar", ["-C", root, "-cf", `${archive}.part`, "."]);
    renameSync(`${archive}.part`, archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return archive;
}

/** Puts images into a machine's Docker, also under further names (`as`). */
export async function loadImages(
  machine: Machine,
  names: readonly ImageName[],
  { as = {} }: { as?: Partial<Record<ImageName, readonly string[]>> } = {},
): Promise<void> {
  const docker = ["-H", "unix:///run/docker.sock"];
  for (const name of names) {
    const changes = images[name].changes.flatMap((change) => ["-c", change]);
    await machine.must("docker", [...docker, "import", ...changes, await imageArchive(name), name]);
    for (const further of as[name] ?? []) await machine.must("docker", [...docker, "tag", name, further]);
  }
}

/** busybox as /bin/sh and under the names of its programs, where the image has none of its own. */
async function putShell(root: string): Promise<void> {
  const busybox = ["bin/busybox", "usr/bin/busybox"].map((path) => join(root, path)).find((path) => existsSync(path));
  if (!busybox) throw new Error("the package busybox-static brought no busybox");
  for (const folder of ["bin", "etc", "tmp", "root", "proc", "sys", "dev", "var"])
    mkdirSync(join(root, folder), { recursive: true });
  if (busybox !== join(root, "bin/busybox")) copyFileSync(busybox, join(root, "bin/busybox"));
  for (const applet of (await must(busybox, ["--list"])).trim().split("\n")) {
    const there = ["bin", "usr/bin", "sbin", "usr/sbin"].some((folder) => existsSync(join(root, folder, applet)));
    if (!there || applet === "sh") {
      rmSync(join(root, "bin", applet), { force: true });
      symlinkSync("busybox", join(root, "bin", applet));
    }
  }
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\nnobody:x:65533:\n");
}

/** Everything of the package but busybox itself is left out: a small image like the usual one. */
function busyboxOnly(root: string): void {
  for (const name of readdirSync(root))
    if (!["bin", "etc", "tmp", "root", "proc", "sys", "dev", "var"].includes(name))
      rmSync(join(root, name), { recursive: true });
}

function nginxSite(root: string): void {
  for (const folder of ["var/log/nginx", "var/lib/nginx", "run", "var/www/html"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "var/www/html/index.html"), "<h1>Welcome to nginx!</h1>\n");
  writeFileSync(
    join(root, "etc/nginx/nginx.conf"),
    "events { worker_connections 256; }\nerror_log /dev/stderr;\npid /run/nginx.pid;\nhttp { access_log /dev/stdout; server { listen 80; root /var/www/html; location / { index index.html; } } }\n",
  );
}

/**
 * As the image that everybody uses: begins as root, gives the data directory to its own user, fills it when it is empty, and
 * takes the first password from POSTGRES_PASSWORD. What it compiles queries with is left out: that is most of its size.
 */
function postgresAsPublished(root: string): void {
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  for (const name of existsSync(libraries) ? readdirSync(libraries) : [])
    if (name.startsWith("libLLVM")) rmSync(join(libraries, name));
  for (const folder of ["usr/share/perl", "usr/lib/x86_64-linux-gnu/perl", "usr/lib/postgresql/15/lib/bitcode"])
    rmSync(join(root, folder), { recursive: true, force: true });
  chmodSync(join(root, "tmp"), 0o1777);
  appendFileSync(join(root, "etc/passwd"), "postgres:x:70:70::/var/lib/postgresql:/bin/sh\n");
  appendFileSync(join(root, "etc/group"), "postgres:x:70:\n");
  writeFileSync(
    join(root, "entrypoint.sh"),
    `#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec su -p -s /bin/sh postgres -c "exec $0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  initdb -D "$PGDATA" -U postgres -E UTF8 --locale=C --auth-local=trust --auth-host=scram-sha-256 --pwfile=/tmp/password
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec postgres -D "$PGDATA" -h "*" -k /tmp -c jit=off
`,
    { mode: 0o755 },
  );
}

function flaskApplication(root: string): void {
  writeFileSync(
    join(root, "app.py"),
    'import os\nfrom flask import Flask\napp = Flask(__name__)\n\n@app.route("/")\ndef hello():\n    return "Hello from " + os.uname().nodename + "\\n"\n\napp.run(host="0.0.0.0", port=5000)\n',
  );
}
