var token = File.ReadAllText("token.txt");
Console.WriteLine($"{token.Length} letters");
