using System.Text;
using Emulator.Devices;

namespace Emulator.Frontend.Running;

/// <summary>Text that is typed on the keyboard of a machine.</summary>
internal static class KeyboardText
{
    /// <summary>Types text; characters that a US keyboard has no key for are left out.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="text">The characters, a byte each.</param>
    /// <returns>How many bytes were taken.</returns>
    public static int Type(PcMachine machine, ReadOnlySpan<byte> text)
    {
        machine.Keyboard.TypeText(Encoding.Latin1.GetString(text));
        return text.Length;
    }
}
