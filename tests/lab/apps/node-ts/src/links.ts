export const links = new Map<string, string>([['docs', 'https://example.com/docs']]);
