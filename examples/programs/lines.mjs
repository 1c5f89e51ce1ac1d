#!/usr/bin/env node
// Numbers the lines of the body as they come: the answer begins before the body has ended.
import { createInterface } from "node:readline";

let number = 0;
for await (const line of createInterface({ input: process.stdin })) console.log(`${++number} ${line}`);
