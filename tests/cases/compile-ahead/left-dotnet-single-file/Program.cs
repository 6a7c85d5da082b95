System.Console.WriteLine("tool");
