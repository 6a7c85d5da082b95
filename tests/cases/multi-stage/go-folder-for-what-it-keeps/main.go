package main

import (
	"io/ioutil"
	"os"

	"./settings"
	telegram "github.com/example/telegram-api"
)

func main() {
	bot := telegram.New(os.Getenv("BOT_TOKEN"))
	for message := range bot.Messages() {
		if err := ioutil.WriteFile(settings.StateFile(), []byte(message.Text), 0644); err != nil {
			panic(err)
		}
	}
}
