import { NestFactory } from '@nestjs/core';

NestFactory.create({}).then((app) => app.listen(3000));
