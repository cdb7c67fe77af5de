import { expect, test } from "vitest";
import { textTable } from "./table.ts";

test.each<[what: string, rows: string[][], table: string]>([
  [
    "pads every column but the last",
    [
      ["NAME", "LEFT"],
      ["a-long-name", "1 day"],
    ],
    "NAME         LEFT\na-long-name  1 day\n",
  ],
  ["has its head alone where there are no rows", [["NAME", "SIZE"]], "NAME  SIZE\n"],
  [
    "leaves no blanks behind an empty last cell",
    [
      ["ID", "TEXT"],
      ["a", ""],
    ],
    "ID  TEXT\na\n",
  ],
  ["is nothing without a head", [], ""],
])("a table %s", (_, rows, table) => {
  expect(textTable(rows)).toBe(table);
});
