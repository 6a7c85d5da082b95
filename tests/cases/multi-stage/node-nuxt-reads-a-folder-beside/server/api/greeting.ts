import { readFile } from 'node:fs/promises'
export default defineEventHandler(() => readFile('greetings/today.txt', 'utf8'))
