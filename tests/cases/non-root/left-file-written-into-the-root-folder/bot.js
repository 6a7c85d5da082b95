const fs = require("fs");
const { Client } = require("discord.js");

const client = new Client({ intents: [] });
client.on("interactionCreate", (interaction) => {
  fs.writeFileSync("birthdays.json", JSON.stringify({ [interaction.user.id]: interaction.options.getString("day") }));
});
client.login(process.env.TOKEN);
