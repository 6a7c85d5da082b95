const { useSingleFileAuthState } = require("@adiwajshing/baileys");

const name = process.env.SESSION || "bot";
const { state, saveState } = useSingleFileAuthState(`./${name}.json`);
console.log(state, saveState);
