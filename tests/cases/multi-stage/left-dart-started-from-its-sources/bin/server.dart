import 'dart:io';

main() async {
  var server = await HttpServer.bind('0.0.0.0', 9000);
  await for (var request in server) {
    request.response.write('hello');
    request.response.close();
  }
}
