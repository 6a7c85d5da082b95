var app = WebApplication.CreateBuilder(args).Build(); app.MapGet("/", () => File.ReadAllText("data/note")); app.Run();
