var app = WebApplication.CreateBuilder(args).Build(); app.MapGet("/", () => "api"); app.Run();
