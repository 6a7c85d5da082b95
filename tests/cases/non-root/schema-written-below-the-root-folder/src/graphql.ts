export const options = { autoSchemaFile: process.env.SCHEMA || './schema/api.graphql', sortSchema: true };
