export { installBinary } from "./images/binaries.ts";
