namespace Emulator.Frontend;

internal static class Program
{
    private static int Main() => 0;
}
