#!/bin/sh
# `npm test`: sets up what the tests need, then runs all of them.
set -eu
cd "$(dirname "$0")/.."
[ -x node_modules/.bin/node ] || { echo "== installing dependencies"; npm install --ignore-scripts; }
PATH="$PWD/node_modules/.bin:$PATH"
exec node scripts/check.ts
