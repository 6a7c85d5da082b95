export * from "https://deno.land/std/http/mod.ts";
