using Emulator.Frontend.CommandLine;

namespace Emulator.Frontend;

internal static class Program
{
    private static int Main(string[] args) => EmuCommandLine.Invoke(args);
}
