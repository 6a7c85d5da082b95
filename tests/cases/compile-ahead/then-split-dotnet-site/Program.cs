var app = WebApplication.CreateBuilder(args).Build(); app.MapGet("/", () => "todo"); app.Run();
