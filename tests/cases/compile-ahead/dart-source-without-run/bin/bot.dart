import 'package:sqlite3/sqlite3.dart';

void main(List<String> arguments) {
  final database = sqlite3.open('scores.db');
  print(database.select('select count(*) from scores'));
}
