using Microsoft.Extensions.Logging;

namespace Emulator.Frontend.Reporting;

/// <summary>
/// Writes diagnostics of the machine as lines to standard error. It stands in for the console logger of Microsoft.Extensions.Logging, whose
/// set-up would cost a tenth of a second at every start.
/// </summary>
internal sealed class ErrorLogger : ILoggerFactory
{
    private readonly LogLevel _level;

    /// <summary>Creates the factory.</summary>
    /// <param name="level">Lowest level that is shown.</param>
    public ErrorLogger(LogLevel level) => _level = level;

    public ILogger CreateLogger(string categoryName) => new Category(categoryName, _level);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("lines go to standard error only");

    public void Dispose()
    {
    }

    private sealed class Category : ILogger
    {
        private readonly string _name;
        private readonly LogLevel _level;

        public Category(string name, LogLevel level)
        {
            _name = name;
            _level = level;
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _level && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Console.Error.WriteLine($"emu: {_name}: {formatter(state, exception).ReplaceLineEndings(" ")}");
            }
        }
    }
}
