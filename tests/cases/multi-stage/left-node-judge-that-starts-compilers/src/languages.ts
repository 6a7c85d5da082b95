export const languages = {
  c: { extension: '.c', compile: 'gcc -O2 task.c -o task' },
  rust: { extension: '.rs', compile: 'rustc task.rs -o task' },
  python: { extension: '.py', compile: null },
};
