defmodule Clinic.MixProject do
