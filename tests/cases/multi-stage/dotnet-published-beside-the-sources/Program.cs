System.Console.WriteLine(System.Environment.GetEnvironmentVariable("TOKEN"));
