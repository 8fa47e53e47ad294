namespace Emulator.Devices.Vga;

/// <summary>Lines of a picture that changed, over its whole width.</summary>
/// <param name="Top">First line.</param>
/// <param name="Height">Number of lines, 0 when nothing changed.</param>
public readonly record struct ScreenRegion(int Top, int Height)
{
    /// <summary>Whether nothing changed.</summary>
    public bool IsEmpty => Height == 0;

    /// <summary>The first line behind the region.</summary>
    public int Bottom => Top + Height;
}
