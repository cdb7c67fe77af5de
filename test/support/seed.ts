import fc from "fast-check";

// A run of the tests tries the same inputs every time, so that it fails for a change and not by chance. SKIFF_FUZZ_SEED
// (a number) with SKIFF_FUZZ_RUNS hunts for others.
fc.configureGlobal({ seed: Number(process.env.SKIFF_FUZZ_SEED ?? 1) });
