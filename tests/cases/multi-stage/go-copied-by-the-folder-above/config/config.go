package config

import "github.com/spf13/viper"

// Load reads the settings beside the program.
func Load() *viper.Viper {
	v := viper.New()
	v.AddConfigPath("conf")
	v.SetConfigName("config")
	if err := v.ReadInConfig(); err != nil {
		panic(err)
	}
	return v
}
