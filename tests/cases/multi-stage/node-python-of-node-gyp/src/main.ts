import { NestFactory } from "@nestjs/core";
import { Module } from "@nestjs/common";

@Module({})
class App {}

NestFactory.create(App).then((app) => app.listen(3000));
