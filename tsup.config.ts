import { defineConfig } from "tsup";

const stub = "scripts/build/absent.cjs";

/** Two bundles: the program, and the thread that writes the database. CommonJS, because Node 24's executables start nothing else. */
export default defineConfig({
  entry: { main: "src/main.ts", "writer.worker": "src/store/sqlite/writer.worker.ts" },
  outDir: "dist/bundle",
  format: ["cjs"],
  outExtension: () => ({ js: ".cjs" }),
  target: "node24",
  platform: "node",
  noExternal: [/.*/],
  splitting: false,
  shims: true,
  removeNodeProtocol: false,
  clean: true,
  metafile: true,
  define: { SKIFF_VERSION: JSON.stringify(process.env.SKIFF_VERSION ?? "0.0.0") },
  esbuildOptions(options) {
    // dockerode can reach Docker over SSH and gRPC; skiff uses its socket only, and those packages need native parts.
    // V8 holds the whole text, and holds it twice as wide when one character needs more than a byte. Names stay: stack traces
    // are read by people.
    options.minifyWhitespace = true;
    options.minifySyntax = true;
    options.charset = "ascii";
    options.legalComments = "none";
    options.lineLimit = 160;
    options.alias = { ssh2: `./${stub}`, "@grpc/grpc-js": `./${stub}`, "@grpc/proto-loader": `./${stub}` };
  },
});
