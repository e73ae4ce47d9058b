// Calls the function of a step with one object, its inputs by name, and gets another, its outputs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const read = (file) => JSON.parse(readFileSync(file, "utf8"));

const step = read(process.env.GROUNDUP_STEP);
const { file, function: name } = step.parameters;
const module = await import(pathToFileURL(join(step.folders.work, "step", file)));
if (typeof module[name] !== "function") {
  console.error(`${file} exports no function ${name}`);
  process.exit(64); // the step is wrong
}
const inputs = Object.entries(step.inputs).map(([input, given]) => [input, read(given.file)]);
const outputs = await module[name](Object.fromEntries(inputs));
for (const [output, { file }] of Object.entries(step.outputs)) {
  if (outputs?.[output] !== undefined) writeFileSync(file, JSON.stringify(outputs[output]));
}
