import { execSync } from 'node:child_process';
import { languages } from './languages';

export function compile(name: keyof typeof languages) {
  const command = languages[name].compile;
  if (command) execSync(command);
}
