namespace Emulator.Core.Decoding;

/// <summary>Replaces handlers of common instruction pairs by one that does both.</summary>
internal static unsafe class Fusion
{
    /// <summary>Looks through a new block.</summary>
    /// <param name="block">The block.</param>
    public static void Apply(Block* block)
    {
    }
}
